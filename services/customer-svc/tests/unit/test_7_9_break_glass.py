"""7.9: the rules of break-glass, by value."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from customer_svc.access_grants.policy import ends_at, has_too_many, may_review
from customer_svc.directory.policy import load_roles
from guanxi_common.security.principal import Identity, Opened, Principal, ScopeKind

NOW = datetime(2026, 11, 28, 15, 59, tzinfo=UTC)  # a minute before midnight in Shanghai


@pytest.mark.parametrize(("hours", "ends"), [(1, "2026-11-28T16:59:00+00:00"), (8, "2026-11-28T23:59:00+00:00")])
def test_7_9_it_ends_after_so_many_hours(hours: int, ends: str) -> None:
    assert ends_at(NOW, hours).isoformat() == ends


@pytest.mark.parametrize("hours", [0, -1, 9, 24 * 365])
def test_7_9_no_access_is_for_longer_than_a_working_day(hours: int) -> None:
    with pytest.raises(ValueError, match="hours"):
        ends_at(NOW, hours)


@pytest.mark.parametrize(("open_now", "too_many"), [(0, False), (9, False), (10, True), (11, True)])
def test_7_9_ten_are_open_at_once(open_now: int, too_many: bool) -> None:
    assert has_too_many(open_now) is too_many


def test_7_9_nobody_reviews_their_own() -> None:
    assert may_review(UUID(int=1), UUID(int=2))
    assert not may_review(UUID(int=1), UUID(int=1))


@pytest.mark.parametrize("kind", [ScopeKind.OWN, ScopeKind.OUTLET])
@pytest.mark.parametrize(
    ("permission", "opens"),
    [
        ("customer.read", True),
        ("account.read", True),
        ("customer.change", False),
        ("customer.reveal", False),
        ("customer.search", False),
    ],
)
def test_7_9_what_is_opened_is_opened_for_reading_until_its_end(kind: ScopeKind, permission: str, opens: bool) -> None:
    grant = Opened(UUID(int=7), NOW)
    caller = Principal(Identity("i", "s", "staff"), UUID(int=1), "r", None, (), {permission: kind}, opened=(grant,))
    scope = caller.scope(permission)
    assert scope.opened_at(NOW - timedelta(microseconds=1)) == ([UUID(int=7)] if opens else [])
    assert scope.opened_at(NOW) == []


def test_7_9_whoever_may_break_the_glass_does_not_see_everybody_anyway_and_whoever_reviews_is_a_lead_or_compliance() -> None:
    roles = {role.role: role.grants for role in load_roles().roles}
    assert {name for name, grants in roles.items() if "customer.break_glass" in grants} == {
        "relationship_manager", "team_lead", "outlet_manager",
    }  # fmt: skip
    assert {name: grants["access_grant.review"] for name, grants in roles.items() if "access_grant.review" in grants} == {
        "team_lead": "outlet", "outlet_manager": "outlet", "compliance_officer": "all",
    }  # fmt: skip
