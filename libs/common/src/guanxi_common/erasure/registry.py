"""The registry of tables with a customer's data (D8): what each holds and why, and what becomes of it. A service declares its own in
`personal_data.py`; erasure, export, hand-over and aliases go by the declaration, and no table with a customer is without one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork

Holds = Literal["identity", "contact", "agreement", "circumstances", "finance", "dealings", "assessment", "reference"]
"""The class of the data: who somebody is; how to reach them; what they agree to; their situation, which may be sensitive; accounts and
sums; what was said and done with them; what we conclude about them; nothing but ids, dates and states.
"""

Purpose = Literal[
    "relationship", "consent", "suitability", "protection", "bookkeeping", "service", "advice", "operation", "accountability"
]
"""For what it is kept: to know the customer; to prove an agreement; to recommend nothing unsuitable; to protect who needs it; to account
for money; to do what was promised; to find what to recommend; to run the house; to answer to the customer and the supervisor.
"""


@dataclass(frozen=True, slots=True)
class PersonalTable:
    """A table whose `column` names a customer, or with `names` one of the customer's accounts, or with `as_text` any of them among others.

    `delete` removes the customer's rows. `anonymise` keeps them and sets the columns of `blank` to the expressions given, which may
    use `$1`, the customers' ids, only through the row itself. `keep` leaves them; `why` says on what ground, `until` for how long.
    `export`: in a subject's file as stored (`rows`), with sealed columns opened (`opened`), or not (`none`: it says nothing of them).
    `hand_over`: whether open rows move to the next responsible person. `alias`: whether rows of a merged file are read with the survivor's
    (`both`), or kept under the survivor alone (`survivor`).
    """

    table: str
    on_erasure: Literal["delete", "anonymise", "keep"] = "delete"
    why: str = ""
    column: str = "customer_id"
    blank: Mapping[str, str] = field(default_factory=dict)
    names: Literal["customer", "account"] = "customer"
    as_text: bool = False
    until: str = ""
    hand_over: Literal["moves", "stays"] = "stays"
    alias: Literal["both", "survivor"] = "both"
    export: Literal["rows", "opened", "none"] = field(default="rows", kw_only=True)
    holds: Holds = field(kw_only=True)
    purpose: Purpose = field(kw_only=True)

    def statement(self) -> str | None:
        """The statement of the erasure, with the customers' ids as its one argument; None where rows are kept."""
        ids = "ANY($1::uuid[]::text[])" if self.as_text else "ANY($1::uuid[])"
        where = f"WHERE {self.column} = {ids}"
        if self.on_erasure == "delete":
            return f"DELETE FROM {self.table} {where}"  # noqa: S608  # names of ours
        if self.on_erasure == "anonymise":
            values = ", ".join(f"{name} = {value}" for name, value in self.blank.items())
            return f"UPDATE {self.table} SET {values} {where}"  # noqa: S608  # names of ours
        return None


def _kept(table: str, why: str, until: str, column: str, *, as_text: bool = True) -> PersonalTable:
    return PersonalTable(
        table,
        "keep",
        why,
        column,
        as_text=as_text,
        until=until,
        export="none",
        holds="reference",
        purpose="accountability" if table == "audit_entry" else "operation",
    )


_SEALED: Final = "an id, and what was sealed under the destroyed key"

COMMON_PERSONAL_DATA: Final = (
    PersonalTable("book_assignment", holds="reference", purpose="relationship", hand_over="moves", alias="survivor"),
    PersonalTable("book_alias", column="old_id", holds="reference", purpose="relationship"),
    PersonalTable("book_alias", column="survivor_id", holds="reference", purpose="relationship"),
    PersonalTable("set_aside_item", column="item", as_text=True, export="none", holds="reference", purpose="operation"),
    _kept(
        "erased_customer",
        "the id alone, so that a late record is recognised and dropped",
        "for ever",
        "customer_id",
        as_text=False,
    ),
    _kept(
        "audit_entry", "who had access to what; reasons are sealed under the destroyed key", "the bank's retention", "subject_id"
    ),
    _kept("inbox_version", "the id and a number, by which a late record is recognised", "for ever", "key"),
    _kept("inbox_parked", _SEALED, "the gap before it is filled or accepted", "key"),
    _kept("dead_letter", _SEALED, "an operator has replayed or skipped it", "key"),
    _kept("outbox", _SEALED, "a day after it was published", "key"),
    _kept("outbox_blocked_key", "the id alone", "an operator has had it sent or skipped", "key"),
)
"""The common tables. An item that was set aside goes with its customer: nobody can mend it any more."""


async def erase_rows(uow: UnitOfWork, tables: Sequence[PersonalTable], customer_ids: Sequence[UUID], now: datetime) -> list[UUID]:
    """Erase the customers' rows, in the order of `tables`, and remember whom. Returns those who were not erased before.

    May be repeated: what a transaction under way wrote meanwhile goes with the next call.
    """
    fresh = await uow.driver.fetch(
        "INSERT INTO erased_customer (customer_id, erased_at) SELECT id, $2 FROM unnest($1::uuid[]) AS id ORDER BY id"
        " ON CONFLICT DO NOTHING RETURNING customer_id",
        list(customer_ids),
        now,
    )
    for table in (*tables, *COMMON_PERSONAL_DATA):
        if statement := table.statement():
            await uow.driver.execute(statement, list(customer_ids))
    return [row[0] for row in fresh]


async def erased_among(uow: UnitOfWork, customer_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the customers who have been erased."""
    rows = await uow.driver.fetch(
        "SELECT customer_id FROM erased_customer WHERE customer_id = ANY($1::uuid[])", list(customer_ids)
    )
    return {row[0] for row in rows}
