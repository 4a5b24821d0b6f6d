"""Who is responsible while somebody is not here (D11), for statements written for the driver.

Whoever is suspended or has left is followed by the deputy, if that one is here; else by the lead of the outlet, and of an outlet
without a lead by that of the outlet above. A lead is the active outlet manager, else the team lead. A leave changes nothing: while it
lasts the deputy sees and works the book beside its keeper.
"""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork

DEPUTISES: Final = "relationship_manager"
"""The role of deputies. Who leads an outlet sees its customers anyway, and is responsible where there is no deputy."""

_ESCALATIONS: Final = """
WITH RECURSIVE asked AS (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS asked (staff, outlet)), up AS (
    SELECT outlet, outlet AS place, ARRAY[outlet] AS path FROM (SELECT DISTINCT outlet FROM asked) AS places
    UNION ALL
    SELECT up.outlet, below.parent_id, path || below.parent_id FROM up JOIN directory_outlet below ON below.id = up.place
    WHERE below.parent_id <> ALL(path)
)
SELECT staff, outlet, coalesce((
    SELECT superior.id FROM directory_staff subordinate JOIN directory_staff superior ON superior.id = subordinate.reports_to
    WHERE subordinate.id = asked.staff AND superior.active AND NOT superior.suspended
), (
    SELECT lead.id FROM up JOIN directory_staff lead ON lead.outlet_id = up.place
    WHERE up.outlet = asked.outlet AND lead.id IS DISTINCT FROM asked.staff AND lead.active AND NOT lead.suspended
        AND lead.role IN ('outlet_manager', 'team_lead')
    ORDER BY cardinality(path), lead.role, lead.id LIMIT 1
)) AS lead
FROM asked
"""


def owner_sql(keeper: str) -> str:
    """An expression for whose the duties of a book are: the keeper's, the deputy's, or NULL for the lead of the outlet.

    `keeper` is an expression for a staff id, never input. Somebody whom the directory does not know yet is taken to be here.
    """
    gone = f"directory_staff gone WHERE gone.id = {keeper} AND (gone.suspended OR NOT gone.active)"
    deputy = "SELECT id FROM directory_staff deputy WHERE deputy.id = gone.deputy_id AND deputy.active AND NOT deputy.suspended"
    deputy += f" AND deputy.role = '{DEPUTISES}'"
    return f"CASE WHEN EXISTS (SELECT FROM {gone}) THEN (SELECT ({deputy}) FROM {gone}) ELSE {keeper} END"  # noqa: S608  # code only


async def read_escalations(
    uow: UnitOfWork, asked: Collection[tuple[UUID | None, UUID | None]]
) -> dict[tuple[UUID | None, UUID | None], UUID | None]:
    """To whom the matters of each (staff id or None, outlet id or None) go up: the superior, else the lead of the outlet.

    A superior or lead who is not here is passed over, and nobody is their own lead. None where no outlet up to the head office has one.
    """
    pairs = list(dict.fromkeys(asked))
    rows = await uow.driver.fetch(_ESCALATIONS, [staff for staff, _ in pairs], [outlet for _, outlet in pairs])
    return {(row["staff"], row["outlet"]): row["lead"] for row in rows}
