"""The shift keeps weekdays and brings the last day into the last complete week."""

from datetime import date, timedelta

from guanxi_sandbox.berka import LAST_COMPLETE_DAY
from guanxi_sandbox.shift import Shift, choose_shift
from hypothesis import given
from hypothesis import strategies as st


@given(st.dates(min_value=date(1994, 5, 1), max_value=date(2200, 1, 1)))
def test_last_day_falls_into_the_last_complete_week(today):
    shifted = choose_shift(today).apply(LAST_COMPLETE_DAY)
    monday = today - timedelta(days=today.weekday())
    assert monday - timedelta(days=7) <= shifted < monday
    assert shifted.weekday() == LAST_COMPLETE_DAY.weekday()


def test_by_hand():
    assert choose_shift(date(2026, 11, 23)).apply(LAST_COMPLETE_DAY) == date(2026, 11, 18)  # a Monday
    assert choose_shift(date(2026, 11, 22)).apply(LAST_COMPLETE_DAY) == date(2026, 11, 11)  # a Sunday: its week is running


def test_no_shift_keeps_the_published_dates():
    assert Shift().apply(LAST_COMPLETE_DAY) == LAST_COMPLETE_DAY
