"""S7: signals against the customer's own history, deduplicated, with cool-down."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from guanxi_common.calendar import BusinessCalendar
from hypothesis import given
from hypothesis import strategies as st
from scoring_svc.ledger.history import DayFlow, median
from scoring_svc.signals.policy import (
    Kind,
    SignalStandard,
    balance_drop,
    dormancy,
    first_large_deposit,
    is_cooling,
    is_historical,
    large_flow,
    regular_income,
    salary_stopped,
    signal_id,
)
from scoring_svc.standards import load_standards

STANDARD = load_standards(SignalStandard, "signals")[0]
TODAY = date(2026, 3, 10)
CUSTOMER = UUID("00000000-0000-7000-8000-000000000001")


def days_before(*amounts: int, every: int = 10) -> list[DayFlow]:
    """Outflows and equal inflows, one each `every` days before today, the latest first."""
    return [DayFlow(TODAY - timedelta(days=every * n), amount, amount) for n, amount in enumerate(amounts, start=1)]


USUAL = days_before(500_000, 600_000, 400_000, 550_000, 450_000, 500_000, 700_000, 300_000)


def outflow(amount: int, history=USUAL, currency: str = "CZK", standard: SignalStandard = STANDARD):
    return large_flow(Kind.LARGE_OUTFLOW, DayFlow(TODAY, 0, amount), history, currency, standard, ("e2", "e1"))


def test_s7_a_large_outflow_states_the_figures_it_compares() -> None:
    found = outflow(2_500_000)
    assert found is not None
    assert (found.kind, found.severity, found.business_date) == (Kind.LARGE_OUTFLOW, "warning", TODAY)
    assert found.figures == {
        "amount_minor": 2_500_000,
        "median_minor": 500_000,
        "mad_minor": 75_000,
        "threshold_minor": 2_000_000,  # the floor: above 3 x the median and the median + 5.19 MAD
        "days": 8,
    }
    assert found.reason.text.en == "25000.00 CZK left on 2026-03-10; usual on such a day is 5000.00 CZK."
    assert found.reason.text.zh == "2026-03-10流出25000.00 CZK，平时单日约5000.00 CZK。"
    assert found.reason.evidence_ids == ("e1", "e2")


@pytest.mark.parametrize(("amount", "severity"), [(1_999_999, None), (2_000_000, "warning"), (4_000_000, "critical")])
def test_s7_a_threshold_itself_is_large_and_twice_it_critical(amount: int, severity: str | None) -> None:
    found = outflow(amount)
    assert (found.severity if found else None) == severity


def test_s7_each_part_of_the_threshold_can_decide() -> None:
    steady = days_before(*[1_000_000] * 8)
    assert outflow(2_999_999, steady) is None  # MAD 0: three times the median
    assert outflow(3_000_000, steady) is not None
    scattered = days_before(1_000_000, 3_000_000, 200_000, 5_000_000, 1_500_000, 4_000_000, 800_000, 2_500_000)
    found = outflow(20_000_000, scattered)
    assert found is not None
    assert found.figures["threshold_minor"] == 2_000_000 + 1_100_000 * 519 // 100


def test_s7_too_little_history_raises_nothing() -> None:
    assert outflow(10**9, USUAL[:7]) is None
    assert outflow(10**9, days_before(*[500_000] * 8, every=7)) is None  # 56 days
    assert outflow(10**9, []) is None
    assert outflow(10**9, days_before(*[500_000] * 12, every=40)) is not None
    assert outflow(10**9, days_before(*[500_000] * 12, every=60)) is None  # only six of them within a year


def test_s7_a_large_inflow_is_news_and_not_a_warning() -> None:
    found = large_flow(Kind.LARGE_INFLOW, DayFlow(TODAY, 9_000_000, 0), USUAL, "CZK", STANDARD)
    assert found is not None
    assert (found.kind, found.severity) == (Kind.LARGE_INFLOW, "info")
    assert large_flow(Kind.LARGE_OUTFLOW, DayFlow(TODAY, 9_000_000, 0), USUAL, "CZK", STANDARD) is None


def test_s7_a_currency_without_a_floor_misses_nothing() -> None:
    tiny = days_before(*[10] * 8)
    assert outflow(30, tiny, currency="JPY") is not None
    assert outflow(30, tiny, currency="CNY") is None


FLOWS = st.lists(
    st.builds(
        DayFlow, st.dates(TODAY - timedelta(days=500), TODAY + timedelta(days=20)), st.integers(0, 10**7), st.integers(0, 10**7)
    ),
    max_size=40,
    unique_by=lambda flow: flow.day,
)


@given(FLOWS, st.integers(0, 10**8), st.randoms())
def test_s7_flows_in_any_order_and_later_days_change_nothing(flows, amount, random) -> None:
    shuffled = [flow for flow in flows if flow.day < TODAY]
    random.shuffle(shuffled)
    assert outflow(amount, shuffled) == outflow(amount, flows)


@given(FLOWS, st.integers(1, 10**8), st.integers(1, 10**6))
def test_s7_a_larger_flow_is_never_less_of_a_signal(flows, amount, more) -> None:
    if outflow(amount, flows) is not None:
        assert outflow(amount + more, flows) is not None


@pytest.mark.parametrize(
    ("balance", "reference", "severity"),
    [
        (5_000_000, 10_000_000, "warning"),
        (5_000_001, 10_000_000, None),
        (2_000_000, 10_000_000, "critical"),
        (-100, 10_000_000, "critical"),
        (0, 1_999_999, None),  # below the floor
        (-5_000_000, -1, None),
        (0, 0, None),
    ],
)
def test_s7_balance_drop(balance: int, reference: int, severity: str | None) -> None:
    found = balance_drop(TODAY, balance, reference, "CZK", STANDARD)
    assert (found.severity if found else None) == severity


def acts(*ages: int) -> list[date]:
    return [TODAY - timedelta(days=age) for age in ages]


def test_s7_dormancy_is_measured_against_the_customers_own_rhythm() -> None:
    weekly = acts(*range(60, 130, 7))
    found = dormancy(TODAY, weekly, STANDARD)
    assert found is not None
    assert found.business_date == TODAY
    assert found.figures == {"limit_days": 60, "median_gap_days": 7, "act_days": 10}
    assert dormancy(TODAY - timedelta(days=1), weekly, STANDARD) is None
    monthly = acts(*range(100, 300, 30))
    assert dormancy(TODAY, monthly, STANDARD) is None  # 4 x 30 = 120 days
    assert dormancy(TODAY + timedelta(days=20), monthly, STANDARD) is not None
    assert dormancy(TODAY, acts(60, 67, 74, 81, 88), STANDARD) is None  # five days of acts are no rhythm
    assert dormancy(TODAY, [], STANDARD) is None


def test_s7_dormancy_has_the_date_on_which_it_began_whenever_it_is_found() -> None:
    days = acts(*range(60, 130, 7))
    found = [dormancy(TODAY + timedelta(days=late), days[::-1], STANDARD) for late in (0, 1, 30)]
    assert len({signal_id(CUSTOMER, f.kind, "CZK", f.business_date) for f in found if f}) == 1


PAY_DAYS = [date(2025, 11, 10), date(2025, 12, 10), date(2026, 1, 9), date(2026, 2, 10)]


def test_s7_salary_stopped_after_its_days_of_grace() -> None:
    # The longest of the last three gaps is 32 days: due on 2026-03-14, seven days of grace.
    assert salary_stopped(date(2026, 3, 21), PAY_DAYS, STANDARD) is None
    found = [salary_stopped(date(2026, 3, 22) + timedelta(days=late), PAY_DAYS[::-1], STANDARD) for late in (0, 10)]
    assert [f.business_date for f in found if f] == [date(2026, 3, 22)] * 2
    assert found[0] is not None
    assert found[0].reason.text.en.startswith("Salary or pension was due on 2026-03-14")
    income = regular_income(date(2026, 3, 20), PAY_DAYS, STANDARD)
    assert income is not None
    assert (income.due_on, income.overdue_days) == (date(2026, 3, 14), 6)


@pytest.mark.parametrize("days", [PAY_DAYS[:2], [date(2026, 1, 1), date(2026, 1, 8), date(2026, 1, 15)], []])
def test_s7_what_is_no_regular_income_cannot_stop(days) -> None:
    assert regular_income(date(2026, 6, 1), days, STANDARD) is None
    assert salary_stopped(date(2026, 6, 1), days, STANDARD) is None


def test_s7_first_large_deposit_only_once() -> None:
    day = DayFlow(TODAY, 5_000_000, 0)
    assert first_large_deposit(day, 4_999_999, "CZK", STANDARD) is not None
    assert first_large_deposit(day, 5_000_000, "CZK", STANDARD) is None
    assert first_large_deposit(replace(day, inflow_minor=4_999_999), 0, "CZK", STANDARD) is None
    assert first_large_deposit(day, 0, "JPY", STANDARD) is None


def test_s7_postings_older_than_seven_business_days_are_historical() -> None:
    calendar = BusinessCalendar()
    today = date(2026, 2, 26)  # the Spring Festival lies between: 15 to 23 February
    assert not is_historical(date(2026, 2, 11), today, calendar, STANDARD)  # 12, 13, 14 (worked), 24, 25, 26
    assert not is_historical(date(2026, 2, 10), today, calendar, STANDARD)
    assert is_historical(date(2026, 2, 9), today, calendar, STANDARD)


def test_s7_the_dedupe_key_is_the_finding() -> None:
    one = signal_id(CUSTOMER, Kind.DORMANT, "CZK", TODAY)
    assert one == signal_id(CUSTOMER, Kind.DORMANT, "CZK", TODAY)
    others = {
        signal_id(CUSTOMER, Kind.BALANCE_DROP, "CZK", TODAY),
        signal_id(CUSTOMER, Kind.DORMANT, "CNY", TODAY),
        signal_id(CUSTOMER, Kind.DORMANT, "CZK", TODAY + timedelta(days=1)),
        signal_id(UUID(int=7), Kind.DORMANT, "CZK", TODAY),
    }
    assert len(others | {one}) == 5


def test_s7_cool_down_counts_in_both_directions() -> None:
    days = STANDARD.cool_down_days[Kind.LARGE_OUTFLOW]
    for near in (0, days - 1, 1 - days):
        assert is_cooling(Kind.LARGE_OUTFLOW, TODAY + timedelta(days=near), [TODAY], STANDARD)
    for far in (days, -days):
        assert not is_cooling(Kind.LARGE_OUTFLOW, TODAY + timedelta(days=far), [TODAY], STANDARD)
    assert not is_cooling(Kind.LARGE_OUTFLOW, TODAY, [], STANDARD)


def test_s7_every_kind_needs_a_cool_down() -> None:
    with pytest.raises(ValueError, match="cool-down"):
        replace(STANDARD, cool_down_days={Kind.DORMANT: 90})


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=30).map(sorted))
def test_s7_the_median_lies_in_the_middle(values) -> None:
    middle = median(values)
    assert sum(value < middle for value in values) <= len(values) / 2
    assert sum(value > middle for value in values) <= len(values) / 2
