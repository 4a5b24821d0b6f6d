"""The day's pass, and what the rules ask of a chunk of customers."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import UnitOfWork

from engagement_svc.customers.policy import Consent
from engagement_svc.touches.policy import Known

FIRST: Final = UUID(int=0)
KEPT_DAYS: Final = 7

_OPENED = (
    "(SELECT max(opened_at) FROM task WHERE task.customer_id = customer.customer_id AND task_type = '{}'"
    " AND ended_because IS DISTINCT FROM 'withdrawn')"
)
_KNOWN: Final = f"""
SELECT customer_id, birth_date, consents, preferred_channels,
    (SELECT min(valid_from) FROM book_assignment book WHERE book.customer_id = customer.customer_id AND capacity = 'primary_rm') AS since,
    (SELECT max(occurred_at) FROM interaction WHERE interaction.customer_id = customer.customer_id AND result = ANY($1)) AS last_contact_at,
    {_OPENED.format("greeting")} AS greeted_at,
    {_OPENED.format("care_contact")} AS cared_for_at,
    EXISTS (SELECT FROM task WHERE task.customer_id = customer.customer_id AND state = 'open' AND origin_kind = 'action') AS has_action
FROM customer JOIN customer_agreements USING (customer_id)
"""  # noqa: S608  # constants
_NEXT: Final = f"{_KNOWN} WHERE customer_id > $2 ORDER BY customer_id LIMIT $3"
_OF: Final = f"{_KNOWN} WHERE customer_id = ANY($2::uuid[]) ORDER BY customer_id"


@dataclass(frozen=True, slots=True)
class TouchPass:
    """A pass that this transaction holds."""

    day: date
    position: UUID


async def take_pass(uow: UnitOfWork, day: date) -> TouchPass | None:
    """The day's pass, locked to the end of the transaction; None once it is finished, and while another worker has it."""
    await uow.driver.execute("INSERT INTO touch_pass (day) VALUES ($1) ON CONFLICT DO NOTHING", day)
    row = await uow.driver.fetchrow(
        "SELECT position FROM touch_pass WHERE day = $1 AND finished_at IS NULL FOR UPDATE SKIP LOCKED", day
    )
    return TouchPass(day, row["position"] or FIRST) if row else None


async def note_reached(uow: UnitOfWork, day: date, position: UUID) -> None:
    await uow.driver.execute("UPDATE touch_pass SET position = $2 WHERE day = $1", day, position)


async def finish_pass(uow: UnitOfWork, day: date, now: datetime) -> None:
    """The pass has reached everybody; passes of long ago are forgotten."""
    await uow.driver.execute("UPDATE touch_pass SET finished_at = $2, position = NULL WHERE day = $1", day, now)
    await uow.driver.execute("DELETE FROM touch_pass WHERE day < $1::date - $2::int", day, KEPT_DAYS)


async def read_next(
    uow: UnitOfWork, calendar: BusinessCalendar, reached: Collection[str], after: UUID, limit: int
) -> list[Known]:
    """The next customers in the order of their ids. `reached`: the results of contacts in which somebody was."""
    return [_known(row, calendar) for row in await uow.driver.fetch(_NEXT, list(reached), after, limit)]


async def read_known(
    uow: UnitOfWork, calendar: BusinessCalendar, reached: Collection[str], customer_ids: Collection[UUID]
) -> list[Known]:
    """These customers, in the order of their ids."""
    return [_known(row, calendar) for row in await uow.driver.fetch(_OF, list(reached), list(customer_ids))]


def _known(row: Mapping[str, Any], calendar: BusinessCalendar) -> Known:
    def day(name: str) -> date | None:
        return calendar.local_date(row[name]) if row[name] is not None else None

    return Known(
        customer_id=row["customer_id"],
        birth_date=row["birth_date"],
        since=day("since"),
        last_contact_on=day("last_contact_at"),
        greeted_on=day("greeted_at"),
        cared_for_on=day("cared_for_at"),
        has_action=row["has_action"],
        consents=tuple(Consent(one["purpose"], one["channel"], one["granted"]) for one in row["consents"] or ()),
        preferred_channels=tuple(row["preferred_channels"] or ()),
    )
