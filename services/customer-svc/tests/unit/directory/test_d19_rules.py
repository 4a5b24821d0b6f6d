"""D19: which change needs two people, and who may decide."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import yaml
from customer_svc.directory.policy import LEAST_APPROVERS, is_invalid_leave, load_roles, parse_roles
from customer_svc.proposals.policy import (
    APART,
    LIFETIME,
    Hindrance,
    Proposal,
    State,
    client_needs_two,
    staff_needs_two,
    why_not_decide,
)
from guanxi_common.security.directory.values import Client, Staff

POWER = frozenset({"head_office", "compliance_officer", "operations"})
RM = Staff(UUID(int=1), "iss", "s", "name", "relationship_manager", None, None, active=True, version=1)
HOLDER = replace(RM, role="head_office")
CORE = Client(UUID(int=2), "iss", "core", "name", "core_banking", ("cards", "core"), active=True, version=1)
NOW = datetime(2026, 11, 28, tzinfo=UTC)
PROPOSER, CONCERNED, SECOND = UUID(int=7), UUID(int=8), UUID(int=9)
PROPOSAL = Proposal(
    UUID(int=5), "staff", CONCERNED, 0, {}, [], "why", PROPOSER, NOW, NOW + timedelta(days=7), State.OPEN
)  # fmt: skip


def test_the_power_roles_are_those_of_the_decision():
    assert load_roles().power == POWER
    assert load_roles().approving == {"head_office", "compliance_officer"}


def test_d19_the_figures_of_the_decision():
    week = timedelta(days=7)
    assert [week, week] == [LIFETIME, APART]
    assert len(load_roles().approving) >= LEAST_APPROVERS == 2


@pytest.mark.parametrize(
    ("away_from", "away_until", "invalid"),
    [
        (None, None, False),
        (NOW, NOW + timedelta(microseconds=1), False),
        (NOW, NOW, True),
        (NOW, NOW - timedelta(days=1), True),
        (NOW, None, True),
        (None, NOW, True),
    ],
)
def test_d11_a_leave_has_a_beginning_and_an_end_after_it(away_from, away_until, invalid):
    assert is_invalid_leave(away_from, away_until) is invalid


@pytest.mark.parametrize(
    ("before", "after", "needs"),
    [
        (None, RM, False),
        (None, HOLDER, True),
        (None, replace(RM, role="operations"), True),
        (None, replace(RM, role="compliance_officer"), True),
        (RM, replace(RM, role="outlet_manager"), False),
        (RM, replace(RM, active=False), False),
        (RM, replace(RM, subject="t"), False),
        (RM, HOLDER, True),
        (HOLDER, RM, True),
        (HOLDER, replace(HOLDER, role="operations"), True),
        (HOLDER, replace(HOLDER, subject="t"), True),
        (HOLDER, replace(HOLDER, active=False), True),
        (replace(HOLDER, active=False), HOLDER, True),
        (replace(HOLDER, active=False), replace(RM, active=False), True),
        (HOLDER, replace(HOLDER, name="n", outlet_id=UUID(int=3), reports_to=UUID(int=4), version=2), False),
        (HOLDER, HOLDER, False),
    ],
)
def test_d19_what_needs_two_people(before, after, needs):
    assert staff_needs_two(before, after, POWER) is needs


@pytest.mark.parametrize(
    ("before", "after", "needs"),
    [
        (None, CORE, True),
        (None, replace(CORE, sources=()), True),
        (CORE, replace(CORE, sources=("cards", "core", "loans")), True),
        (CORE, replace(CORE, sources=("loans",)), True),
        (CORE, replace(CORE, sources=("core",)), False),
        (CORE, replace(CORE, sources=()), False),
        (CORE, replace(CORE, sources=("core", "cards")), False),
        (CORE, replace(CORE, role="channel"), True),
        (CORE, replace(CORE, client_id="other"), True),
        (CORE, replace(CORE, name="n", version=2), False),
        (CORE, replace(CORE, active=False), False),
        (replace(CORE, active=False), CORE, True),
        (replace(CORE, active=False), replace(CORE, active=False, sources=("core",)), False),
    ],
)
def test_d19_what_gives_a_client_more_needs_two_people(before, after, needs):
    assert client_needs_two(before, after) is needs


@pytest.mark.parametrize(
    ("state", "decider", "after_days", "hindrance"),
    [
        (State.OPEN, SECOND, 0, None),
        (State.OPEN, SECOND, 6.999, None),
        (State.OPEN, SECOND, 7, Hindrance.EXPIRED),
        (State.OPEN, PROPOSER, 1, Hindrance.OWN_PROPOSAL),
        (State.OPEN, CONCERNED, 1, Hindrance.OWN_ENTRY),
        (State.APPROVED, SECOND, 1, Hindrance.DECIDED),
        (State.REJECTED, SECOND, 8, Hindrance.DECIDED),
        (State.WITHDRAWN, SECOND, 1, Hindrance.DECIDED),
        (State.APPROVED, PROPOSER, 1, Hindrance.DECIDED),
    ],
)
def test_d19_who_may_decide_and_when(state, decider, after_days, hindrance):
    assert why_not_decide(replace(PROPOSAL, state=state), decider, NOW + timedelta(days=after_days)) is hindrance


@pytest.mark.parametrize(
    ("permission", "power"), [("directory.approve", False), ("score_run.start", False), ("directory.approve", True)]
)
def test_d19_a_power_permission_is_granted_to_power_roles_alone(permission, power):
    """So a grant never makes a power role of one that a single person gives."""
    text = f"""
        version: 1
        power_permissions: [directory.approve, score_run.start]
        roles: {{teller: {{power: {str(power).lower()}, grants: {{customer.read: outlet, {permission}: all}}}}}}
    """
    if power:
        assert parse_roles(yaml.safe_load(text)).power == {"teller"}
    else:
        with pytest.raises(ValueError, match="power permission"):
            parse_roles(yaml.safe_load(text))


def test_d19_a_role_is_held_by_persons_or_by_programs():
    assert {role.role for role in load_roles().roles if role.holder == "client"} == {"core_banking"}
    with pytest.raises(ValueError, match="held by nobody"):
        parse_roles({"version": 1, "power_permissions": [], "roles": {"x": {"grants": {}, "holder": "robot"}}})
