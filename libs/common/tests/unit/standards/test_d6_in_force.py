"""D6: which version of a standard is in force, by a table of instants; a package's newer version is only a proposal."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.errors import Text
from guanxi_common.standards import Kind, Register, StandardVersion
from guanxi_common.standards.policy import in_force, moment_of, news_of_package
from pydantic import ConfigDict, TypeAdapter

CALENDAR = BusinessCalendar(zone="Asia/Shanghai")


@dataclass(frozen=True)
class Limit:
    __pydantic_config__ = ConfigDict(extra="forbid")

    version: int
    author: str
    effective_from: date
    reason: str
    limit: int

    def __post_init__(self) -> None:
        if self.limit < 0:
            raise ValueError("a limit is no negative number")
        timedelta(days=self.limit)  # OverflowError for what no calendar holds


def at(text: str) -> datetime:
    """An instant in Shanghai."""
    return datetime.fromisoformat(f"{text}:00+08:00").astimezone(UTC)


def approved(number: int, approved_at: str, effective_at: str, **body: Any) -> StandardVersion:
    return StandardVersion("limits", number, body or {"limit": number}, "a", "r", "b", at(approved_at), at(effective_at))


SHIPPED = [
    {"version": 1, "author": "founders", "effective_from": date(2026, 1, 1), "reason": "r", "limit": 1},
    {"version": 2, "author": "founders", "effective_from": date(2026, 6, 1), "reason": "r", "limit": 2},
]
KIND = Kind(
    "limits",
    Text("Limits", "限额"),
    Limit,
    SHIPPED,
    [Limit(**document) for document in SHIPPED],
    TypeAdapter(Limit).validate_python,
    {},
)
OF_PACKAGE = KIND.shipped_versions(CALENDAR)
HISTORY = [
    *OF_PACKAGE,
    approved(3, "2026-11-20T09:00", "2026-11-27T15:00"),
    approved(4, "2026-11-26T09:00", "2026-11-27T18:00"),
    approved(5, "2026-11-28T10:00", "2026-12-01T00:00"),
    approved(6, "2026-11-28T11:00", "2026-12-01T00:00"),  # in the place of 5, which never counts
]


@pytest.mark.parametrize(
    ("instant", "known_at", "number"),
    [
        ("1994-03-30T12:00", "2026-11-28T12:00", 1),  # before the first, the first
        ("1994-03-30T12:00", "1994-03-30T12:00", 1),  # nothing was approved then: still the first
        ("2026-05-31T23:59", "2026-11-28T12:00", 1),
        ("2026-06-01T00:00", "2026-11-28T12:00", 2),
        ("2026-11-27T14:59", "2026-11-28T12:00", 2),
        ("2026-11-27T15:00", "2026-11-28T12:00", 3),  # during a business day, from then on
        ("2026-11-27T17:59", "2026-11-28T12:00", 3),
        ("2026-11-27T18:00", "2026-11-28T12:00", 4),
        ("2026-11-27T18:00", "2026-11-25T12:00", 3),  # 4 was approved on the 26th
        ("2026-11-27T18:00", "2026-11-19T12:00", 2),  # and 3 on the 20th
        ("2026-11-30T23:59", "2026-11-28T12:00", 4),  # approved is not in force
        ("2026-12-01T00:00", "2026-11-28T12:00", 6),
        ("2026-12-01T00:00", "2026-11-28T10:30", 5),
    ],
)
def test_d6_the_version_in_force(instant: str, known_at: str, number: int) -> None:
    assert in_force(HISTORY, at(instant), at(known_at)).number == number
    assert in_force(HISTORY[::-1], at(instant), at(known_at)).number == number, "in whatever order they came"


@pytest.mark.parametrize(
    ("day", "known_at", "number"),
    [
        (date(2026, 11, 27), "2026-11-27T10:00", 2),  # that day, before the change
        (date(2026, 11, 27), "2026-11-27T15:30", 3),
        (date(2026, 11, 27), "2026-11-27T20:00", 4),
        (date(2026, 11, 27), "2026-11-30T10:00", 4),  # later, of that day: the one that began last during it
        (date(2026, 11, 27), "2026-11-26T10:00", 2),  # known the day before: the one at the day's start
        (date(2026, 11, 26), "2026-11-30T10:00", 2),
        (date(2026, 11, 28), "2026-11-30T10:00", 4),
        (date(2026, 11, 30), "2026-12-01T10:00", 4),  # the day ends before 1 December begins
    ],
)
def test_d6_the_rules_of_a_day(day: date, known_at: str, number: int) -> None:
    assert in_force(HISTORY, moment_of(day, at(known_at), CALENDAR), at(known_at)).number == number


@pytest.mark.parametrize(
    ("shipped", "known", "adopted", "proposed"),
    [
        ((1, 2), (), (1, 2), None),  # the first start
        ((1, 2), (1, 2), (), None),
        ((1, 2, 3), (1, 2), (), 3),
        ((1, 2, 3, 4), (1, 2), (), 4),  # the newest alone
        ((1, 2, 3), (1, 2, 3), (), None),  # offered before, whatever became of it
        ((1, 2), (1, 2, 3), (), None),  # an older package was installed again
    ],
)
def test_d6_a_package_supersedes_nothing_by_itself(shipped, known, adopted, proposed) -> None:
    assert news_of_package(shipped, known) == (adopted, proposed)


def limit(register: Register, instant: str) -> int:
    return register.at(at(instant))[Limit].limit


def test_d6_the_clock_alone_changes_what_is_in_force() -> None:
    register = Register([KIND], CALENDAR)
    register.learn(HISTORY)
    assert [limit(register, f"2026-11-27T{hour}") for hour in ("14:59", "15:00", "17:59", "18:00")] == [2, 3, 3, 4]
    assert limit(register, "2026-11-27T14:00") == 2, "a clock that was set back"
    assert register.on(date(2026, 11, 27), at("2026-11-27T10:00"))[Limit].limit == 2
    assert register.numbered(Limit, 5).limit == 5
    with pytest.raises(LookupError):
        register.numbered(Limit, 7)


def test_d6_what_ships_fills_what_comes_before_the_first_and_nothing_after() -> None:
    register = Register([KIND], CALENDAR)
    assert limit(register, "2026-11-28T12:00") == 2
    register.learn([approved(1, "2026-01-01T00:00", "2026-01-01T00:00", limit=7)])
    assert limit(register, "2026-11-28T12:00") == 7, "version 2 of a newer package is a proposal"
    register.learn([approved(2, "2026-06-01T00:00", "2026-06-01T00:00", limit=8)])
    assert limit(register, "2026-11-28T12:00") == 8
    assert register.numbered(Limit, 1).limit == 1, "version 1 has not arrived yet"


@pytest.mark.parametrize("unusable", [-1, 10**12])
def test_d6_a_version_that_cannot_be_used_leaves_the_one_before_in_force(unusable: int) -> None:
    register = Register([KIND], CALENDAR)
    broken = approved(3, "2026-11-20T09:00", "2026-11-27T15:00", limit=unusable)
    register.learn([*OF_PACKAGE, broken])
    assert limit(register, "2026-11-28T12:00") == 2
    assert register.unusable == {("limits", 3)}
    register.learn([*OF_PACKAGE, broken, approved(4, "2026-11-28T09:00", "2026-11-28T10:00")])
    assert limit(register, "2026-11-28T12:00") == 4


def test_d6_a_later_release_reads_the_packages_versions_its_own_way() -> None:
    register = Register([KIND], CALENDAR)
    once = [StandardVersion("limits", 2, {"most": 2}, "founders", "r", None, at("2026-06-01T00:00"), at("2026-06-01T00:00"))]
    register.learn(once)
    assert limit(register, "2026-11-28T12:00") == 2
    assert register.unusable == frozenset()
    register.learn([approved(9, "2026-06-01T00:00", "2026-06-01T00:00", most=1)])
    assert limit(register, "2026-11-28T12:00") == 2, "there is always one to go by"


def test_d6_one_moment_has_one_set_of_standards() -> None:
    register = Register([KIND], CALENDAR)
    register.learn(HISTORY)
    before = register.at(at("2026-11-27T14:59"))
    register.learn(HISTORY[:2])
    register.at(at("2026-11-27T15:00") + timedelta(days=1))
    assert before[Limit].version == 2
