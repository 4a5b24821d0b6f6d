"""The action table."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.rows import read_as, table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.pagination import after
from guanxi_common.security.directory.scope import visible_customers, visible_customers_sql
from guanxi_common.security.principal import RowScope
from pydantic_core import to_jsonable_python
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from scoring_svc.actions.candidates import LIVE, Past
from scoring_svc.actions.choice import Choice
from scoring_svc.actions.policy import Levers, Tally
from scoring_svc.actions.tables import ActionRow

_action = table_of(ActionRow)


@dataclass(frozen=True, slots=True)
class Action:
    """A recommended action; see `ActionRow`."""

    customer_id: UUID
    action_id: UUID
    kind: str
    reason_code: str
    reasons: list[dict[str, str]]
    product_code: str | None
    channel: str
    content: dict[str, str]
    price: dict[str, str] | None
    priority_bp: int
    value_minor: int
    currency: str
    propensity_bp: int
    chosen_probability_bp: int
    due_within_hours: int
    expires_on: date
    evidence: Mapping[str, Any]
    model_version: str
    severity: str
    state: str
    closed_because: str | None
    recommended_at: datetime
    recommended_on: date
    changed_at: datetime
    consent_purpose: str | None = None


async def insert_action(uow: UnitOfWork, action: Action) -> bool:
    """Keep an action; False where it was recommended before."""
    statement = pg_insert(_action).values(values_of(action)).on_conflict_do_nothing().returning(_action.c.action_id)
    return (await uow.execute(statement)).first() is not None


async def close_action(
    uow: UnitOfWork, customer_id: UUID, action_id: UUID, state: str, because: str | None, now: datetime
) -> tuple[str, str] | None:
    """Move a live action to a state; returns its kind and channel, or None where it is unknown, over, or in the state already."""
    row = await uow.driver.fetchrow(
        "UPDATE action SET state = $3, closed_because = $4, changed_at = $5 WHERE customer_id = $1 AND action_id = $2"
        " AND state = ANY($6::text[]) AND state <> $3 RETURNING kind, channel",
        customer_id,
        action_id,
        state,
        because,
        now,
        list(LIVE),
    )
    return (row["kind"], row["channel"]) if row else None


async def reopen_action(uow: UnitOfWork, customer_id: UUID, action_id: UUID, now: datetime) -> tuple[str, str, str | None] | None:
    """Accept a concluded action again; returns its kind, its channel and the outcome that it had, or None where it is not concluded."""
    row = await uow.driver.fetchrow(
        "UPDATE action SET state = 'accepted', closed_because = NULL, changed_at = $3 FROM ("
        " SELECT closed_because FROM action WHERE customer_id = $1 AND action_id = $2 AND state = 'concluded' FOR UPDATE"
        ") AS before WHERE customer_id = $1 AND action_id = $2 RETURNING kind, channel, before.closed_because",
        customer_id,
        action_id,
        now,
    )
    return (row[0], row[1], row[2]) if row else None


async def read_past(uow: UnitOfWork, customer_ids: Collection[UUID], since: date) -> dict[UUID, list[Past]]:
    """What bears on the next action: everything live, and all that was recommended since a date."""
    rows = await uow.driver.fetch(
        "SELECT customer_id, action_id, kind, reason_code, product_code, state, recommended_on, expires_on, evidence, channel"
        " FROM action"
        " WHERE customer_id = ANY($1::uuid[]) AND (state = ANY($2::text[]) OR recommended_on >= $3)"
        " ORDER BY customer_id, recommended_on, action_id",
        list(customer_ids),
        list(LIVE),
        since,
    )
    found: dict[UUID, list[Past]] = {}
    for row in rows:
        fields = dict(row)
        found.setdefault(fields.pop("customer_id"), []).append(Past(**fields))
    return found


async def read_levers(uow: UnitOfWork) -> Levers:
    rows = await uow.driver.fetch("SELECT kind, channel, successes, failures FROM action_lever")
    return {(row[0], row[1]): Tally(row[2], row[3]) for row in rows}


async def count_outcome(uow: UnitOfWork, kind: str, channel: str, *, success: bool, times: int = 1) -> None:
    """Learn from one outcome; -1 `times`: it was none."""
    await uow.driver.execute(
        "INSERT INTO action_lever AS kept (kind, channel, successes, failures) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (kind, channel) DO UPDATE SET successes = kept.successes + EXCLUDED.successes,"
        " failures = kept.failures + EXCLUDED.failures",
        kind,
        channel,
        times * int(success),
        times * int(not success),
    )


async def store_plan(uow: UnitOfWork, customer_id: UUID, today: date, choice: Choice) -> None:
    """Keep what was considered; the customer's plan row is locked."""
    await uow.driver.execute(
        "UPDATE action_plan SET planned_on = $2, first_planned_on = coalesce(first_planned_on, $2), hold_out = $3, fitting = $4,"
        " considered = $5 WHERE customer_id = $1",
        customer_id,
        today,
        choice.hold_out,
        choice.fitting,
        json.dumps([_shown(one) for one in choice.considered], ensure_ascii=False),
    )


def _shown(one: Any) -> dict[str, Any]:
    candidate = one.candidate
    return {
        "kind": candidate.kind.value,
        "reason_code": candidate.reason_code,
        "product_code": candidate.product_code,
        "channel": one.channel,
        "priority_bp": one.priority_bp,
        "propensity_bp": candidate.propensity_bp,
        "value_minor": candidate.value_minor,
        "currency": candidate.currency,
        "chosen": one.chosen,
        "probability_bp": one.probability_bp,
        "refusals": [{"rule": refusal.rule, "values": to_jsonable_python(dict(refusal.values))} for refusal in one.refusals],
    }


@dataclass(frozen=True, slots=True)
class Plan:
    """What was considered when a customer was last looked at."""

    customer_id: UUID
    planned_on: date
    hold_out: bool
    fitting: int
    considered: list[dict[str, Any]]


async def read_plan(uow: UnitOfWork, customer_id: UUID) -> Plan | None:
    row = await uow.driver.fetchrow(
        "SELECT customer_id, planned_on, hold_out, fitting, considered FROM action_plan"
        " WHERE customer_id = $1 AND first_planned_on IS NOT NULL",
        customer_id,
    )
    return Plan(**row) if row else None


async def list_actions(
    uow: UnitOfWork, scope: RowScope, now: datetime, *, past: tuple[int, UUID] | None, limit: int, customer_id: UUID | None = None
) -> list[Action]:
    """The live actions of the customers in scope, the most urgent first."""
    order = (_action.c.priority_bp, _action.c.action_id)
    statement = (
        select(_action)
        .where(
            _action.c.state.in_(LIVE),
            visible_customers(scope, _action.c.customer_id, now),
            after(order, past, descending=True),
        )
        .order_by(*(column.desc() for column in order))
        .limit(limit)
    )
    if customer_id is not None:
        statement = statement.where(_action.c.customer_id == customer_id)
    return [read_as(Action, row) for row in (await uow.execute(statement)).mappings()]


async def list_without_action(
    uow: UnitOfWork, scope: RowScope, now: datetime, *, past: tuple[UUID] | None, limit: int
) -> Sequence[Plan]:
    """The customers in scope for whom nothing fits and nothing is under way, by id."""
    condition, arguments = visible_customers_sql(scope, "plan.customer_id", now, first_parameter=4)
    rows = await uow.driver.fetch(
        "SELECT customer_id, planned_on, hold_out, fitting, considered FROM action_plan plan"  # noqa: S608  # built from constants
        " WHERE fitting = 0 AND first_planned_on IS NOT NULL AND ($1::uuid IS NULL OR customer_id > $1)"
        " AND NOT EXISTS (SELECT FROM action WHERE action.customer_id = plan.customer_id AND action.state = ANY($3::text[]))"
        f" AND {condition} ORDER BY customer_id LIMIT $2",
        past[0] if past else None,
        limit,
        list(LIVE),
        *arguments,
    )
    return [Plan(**row) for row in rows]


@dataclass(frozen=True, slots=True)
class ArmCounts:
    """One arm of the comparison: customers judged, those who stayed, those who bought."""

    customers: int
    stayed: int
    bought: int


# Intention to treat: a customer counts in its group whether or not anybody spoke to it. Acts and purchases after the first look count.
_ARMS = """
SELECT hold_out, count(*)::int AS customers,
    count(*) FILTER (WHERE EXISTS (SELECT FROM daily_activity day WHERE day.customer_id = plan.customer_id
        AND day.activity_class = ANY($2::text[]) AND day.booked_on > plan.first_planned_on + $3::int - 30
        AND day.booked_on <= plan.first_planned_on + $3::int))::int AS stayed,
    count(*) FILTER (WHERE EXISTS (SELECT FROM holding WHERE holding.customer_id = plan.customer_id
        AND holding.opened_on > plan.first_planned_on AND holding.opened_on <= plan.first_planned_on + $3::int))::int AS bought
FROM action_plan plan WHERE first_planned_on <= $1::date - $3::int GROUP BY hold_out
"""


async def read_arms(uow: UnitOfWork, today: date, classes: Collection[str], horizon_days: int) -> dict[bool, ArmCounts]:
    """By hold-out, of the customers whose first look lies at least the horizon back. Stayed: an act of their own in its last 30 days."""
    rows = await uow.driver.fetch(_ARMS, today, list(classes), horizon_days)
    return {row["hold_out"]: ArmCounts(row["customers"], row["stayed"], row["bought"]) for row in rows}
