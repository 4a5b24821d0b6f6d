"""What a use case works with: who works, on which rows, on which day, and against which version."""

from datetime import UTC, date, datetime
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import Forbidden, StaleVersion
from guanxi_common.http.problems import problem_response
from guanxi_common.security.principal import (
    SYSTEM_SCOPE,
    AuditContext,
    CallerKind,
    Identity,
    PersonRequired,
    Principal,
    Purpose,
    ScopeKind,
)
from guanxi_common.work import Work

NO_UOW = cast("UnitOfWork", None)
ID = UUID("7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f02")
NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)


def work_of(kind: CallerKind = "staff", **changes: Any) -> Work:
    caller = Principal(Identity("https://id", "li.wei", kind), ID, "rm", uuid4(), (), {"consent.write": ScopeKind.OWN})
    audit = AuditContext(caller.actor, "grantConsents", Purpose.CUSTOMER_SERVICE, "r-1")
    return Work(NO_UOW, caller.scope("consent.write"), audit, NOON, date(2026, 11, 23), caller, **changes)


@pytest.mark.parametrize(
    ("now", "zone", "today"),
    [
        (datetime(2026, 11, 23, 15, 59, 59, tzinfo=UTC), "Asia/Shanghai", date(2026, 11, 23)),
        (datetime(2026, 11, 23, 16, tzinfo=UTC), "Asia/Shanghai", date(2026, 11, 24)),
        (datetime(2026, 11, 23, 16, tzinfo=UTC), "Europe/Prague", date(2026, 11, 23)),
        (datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "Europe/Prague", date(2027, 1, 1)),
    ],
)
def test_8a_the_system_works_on_all_rows_on_the_banks_day(now: datetime, zone: str, today: date) -> None:
    work = Work.of_system(NO_UOW, "review-tiers", now, BusinessCalendar(zone=zone))
    assert (work.now, work.today, work.scope, work.actor) == (now, today, SYSTEM_SCOPE, "system:review-tiers")
    assert work.audit == AuditContext("system:review-tiers", "review-tiers", Purpose.OPERATIONS, None)


def test_8a_only_a_person_works_as_a_person() -> None:
    assert (work_of().person, work_of().actor, work_of("client").actor) == (ID, f"staff:{ID}", f"client:{ID}")
    for nobody in (work_of("client"), Work.of_system(NO_UOW, "erasures", NOON, BusinessCalendar())):
        with pytest.raises(PersonRequired):
            _ = nobody.person


def test_8a_a_second_permission_is_demanded_of_callers_and_not_of_the_system() -> None:
    work_of().demand("consent.write")
    Work.of_system(NO_UOW, "erasures", NOON, BusinessCalendar()).demand("directory.write")
    with pytest.raises(Forbidden):
        work_of().demand("directory.write")


@pytest.mark.parametrize(("allowed", "version"), [(None, 7), ((7,), 7), ((5, 7), 7)])
def test_8a_a_version_that_if_match_allows(allowed: tuple[int, ...] | None, version: int) -> None:
    work_of(allowed=allowed).check_version(version)


@pytest.mark.parametrize("allowed", [(6,), (5, 8), (70,), ()])
def test_8a_another_version_is_refused_with_the_tag_of_the_present_one(allowed: tuple[int, ...]) -> None:
    with pytest.raises(StaleVersion) as refused:
        work_of(allowed=allowed).check_version(7)
    answer = problem_response(refused.value, "en")
    assert (answer.status_code, answer.headers["etag"]) == (412, '"7"')
    assert "etag" not in problem_response(StaleVersion(), "en").headers
