"""X5: thresholds are versioned data with author, effective date and reason."""

from dataclasses import dataclass
from datetime import date

import pytest
from guanxi_common.standards import parse_standards, standard_of, standard_on
from pydantic import ConfigDict, ValidationError
from scoring_svc.retention.policy import RetentionStandard
from scoring_svc.rfm.policy import RfmStandard
from scoring_svc.signals.policy import SignalStandard
from scoring_svc.standards import load_standards


@dataclass(frozen=True)
class Limit:
    __pydantic_config__ = ConfigDict(extra="forbid")

    version: int
    author: str
    effective_from: date
    reason: str
    limit: int


def version(number: int, day: str, **changes: object) -> dict[str, object]:
    return {"version": number, "author": "a", "effective_from": date.fromisoformat(day), "reason": "r", "limit": number} | changes


VERSIONS = parse_standards(Limit, [version(1, "2026-01-01"), version(2, "2026-06-01")])


@pytest.mark.parametrize(
    ("kind", "slice_name"), [(RfmStandard, "rfm"), (RetentionStandard, "retention"), (SignalStandard, "signals")]
)
def test_x5_the_shipped_standards_say_who_when_and_why(kind, slice_name) -> None:
    for standard in load_standards(kind, slice_name):
        assert standard.author
        assert standard.reason
        assert standard.effective_from <= date(2026, 12, 31)


@pytest.mark.parametrize(("day", "number"), [("1994-03-30", 1), ("2026-05-31", 1), ("2026-06-01", 2), ("2030-01-01", 2)])
def test_x5_the_version_in_force_on_a_day(day: str, number: int) -> None:
    assert standard_on(VERSIONS, date.fromisoformat(day)).version == number


def test_x5_a_stored_score_finds_its_version() -> None:
    assert standard_of(VERSIONS, 1).limit == 1
    with pytest.raises(LookupError):
        standard_of(VERSIONS, 3)


@pytest.mark.parametrize(
    "versions",
    [
        [],
        [version(1, "2026-01-01"), version(1, "2026-06-01")],
        [version(1, "2026-06-01"), version(2, "2026-01-01")],
        [version(1, "2026-01-01", limt=3)],
        [{"version": 1, "limit": 1}],
    ],
)
def test_x5_a_bad_standards_file_is_refused(versions) -> None:
    with pytest.raises((ValueError, ValidationError)):
        parse_standards(Limit, versions)
