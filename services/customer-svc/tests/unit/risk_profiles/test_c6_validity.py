"""C6: until when an assessment of the risk a customer can bear counts."""

from datetime import date

import pytest
from customer_svc.risk_profiles.policy import RiskProfileStandard, is_in_force, latest_expiry, wrong
from guanxi_common.errors import Text

TODAY = date(2026, 11, 28)
STANDARD = RiskProfileStandard(1, "test", TODAY, "test", 365, {3: Text("Balanced", "平衡型")})


@pytest.mark.parametrize(
    ("assessed_on", "last"),
    [("2026-11-28", "2027-11-28"), ("2027-03-01", "2028-02-29"), ("2028-02-29", "2029-02-28"), ("2026-12-31", "2027-12-31")],
)
def test_c6_an_assessment_counts_for_365_days(assessed_on: str, last: str) -> None:
    assert latest_expiry(date.fromisoformat(assessed_on), STANDARD) == date.fromisoformat(last)


@pytest.mark.parametrize(
    ("assessed_on", "expires_on", "pointers"),
    [
        ("2026-11-28", "2027-11-28", []),
        ("2026-11-28", "2027-11-29", ["/expires_on"]),
        ("2026-11-28", "2026-11-28", []),  # for the rest of the day
        ("2026-11-28", "2026-11-27", ["/expires_on"]),
        ("2026-11-29", "2027-11-28", ["/assessed_on"]),
        ("2026-11-29", "2027-11-30", ["/assessed_on", "/expires_on"]),
        ("2020-01-01", "2020-06-30", []),  # an old one, typed in for the record
    ],
)
def test_c6_its_dates_fit_each_other(assessed_on: str, expires_on: str, pointers: list[str]) -> None:
    errors = wrong(date.fromisoformat(assessed_on), date.fromisoformat(expires_on), TODAY, STANDARD)
    assert [error.pointer for error in errors] == pointers
    assert all("365" in error.detail.en for error in errors if error.pointer == "/expires_on")


@pytest.mark.parametrize(("expires_on", "holds"), [("2026-11-29", True), ("2026-11-28", True), ("2026-11-27", False)])
def test_c6_it_holds_through_its_last_day(expires_on: str, holds: bool) -> None:
    assert is_in_force(date.fromisoformat(expires_on), TODAY) is holds
