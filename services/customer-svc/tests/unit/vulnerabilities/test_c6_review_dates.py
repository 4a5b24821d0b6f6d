"""C6: what makes a customer vulnerable is looked at again in time."""

from datetime import date, timedelta

import pytest
from customer_svc.vulnerabilities.policy import VulnerabilityStandard, wrong
from guanxi_common.errors import Text

TODAY = date(2026, 11, 28)
STANDARD = VulnerabilityStandard(1, "test", TODAY, "test", 180, {"health": Text("Health", "健康")})


@pytest.mark.parametrize(
    ("kind", "in_days", "pointers"),
    [
        ("health", 1, []),
        ("health", 180, []),
        ("health", 181, ["/review_on"]),
        ("health", 0, ["/review_on"]),  # today it has just been looked at
        ("health", -1, ["/review_on"]),
        ("wealth", 30, ["/kind"]),
        ("wealth", 0, ["/kind", "/review_on"]),
        (None, 30, []),  # a review names no kind
        (None, 0, ["/review_on"]),
    ],
)
def test_c6_a_review_lies_ahead_and_not_too_far(kind: str | None, in_days: int, pointers: list[str]) -> None:
    errors = wrong(kind, TODAY + timedelta(days=in_days), TODAY, STANDARD)
    assert [error.pointer for error in errors] == pointers
    assert all("180" in error.detail.en for error in errors if error.pointer == "/review_on")
