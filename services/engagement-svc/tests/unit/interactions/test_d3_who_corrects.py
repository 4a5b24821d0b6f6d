"""D3: who corrects the record of a contact, and for how long, by hand."""

from datetime import date

import pytest
from engagement_svc.interactions.policy import NotCorrected, why_not_corrected
from engagement_svc.standards import load_standards

STANDARD = load_standards().corrections
RECORDED = date(2026, 11, 20)
STRANGER, CLOSED = NotCorrected.NOT_THE_AUTHOR, NotCorrected.TOO_LATE


@pytest.mark.parametrize(
    ("today", "author", "lead", "why"),
    [
        ("2026-11-20", True, False, None),
        ("2026-11-27", True, False, None),
        ("2026-11-28", True, False, CLOSED),
        ("2026-11-28", True, True, None),
        ("2026-11-28", False, True, None),
        ("2026-12-20", False, True, None),
        ("2026-12-21", False, True, CLOSED),
        ("2026-12-21", True, True, CLOSED),
        ("2026-11-20", False, False, STRANGER),
        ("2027-11-20", False, False, STRANGER),
    ],
)
def test_d3_the_author_has_seven_days_and_the_lead_thirty(today: str, author: bool, lead: bool, why: NotCorrected | None) -> None:
    assert why_not_corrected(RECORDED, date.fromisoformat(today), STANDARD, author=author, lead=lead) is why
