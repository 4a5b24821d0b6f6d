"""Moves the data set's dates near to today, keeping every weekday."""

from dataclasses import dataclass
from datetime import date, timedelta

from guanxi_sandbox.berka import LAST_COMPLETE_DAY

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Shift:
    """A move by whole weeks. Chosen once, at the first load, and kept by the caller: another shift would post everything anew."""

    weeks: int = 0

    def apply(self, day: date) -> date:
        return day + self.weeks * WEEK


def choose_shift(today: date, last_day: date = LAST_COMPLETE_DAY) -> Shift:
    """The shift that brings `last_day` into the last complete week (Monday to Sunday) before `today`.

    On a Sunday the running week is not yet complete.
    """
    monday_of_this_week = today - timedelta(days=today.weekday())
    monday_of_last_day = last_day - timedelta(days=last_day.weekday())
    return Shift((monday_of_this_week - WEEK - monday_of_last_day) // WEEK)
