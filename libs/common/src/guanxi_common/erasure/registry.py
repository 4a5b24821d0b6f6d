"""The registry of tables with a customer's data: what an erasure does with each. A service declares its own in `personal_data.py`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class PersonalTable:
    """A table whose `column` names a customer.

    `delete` removes the customer's rows. `anonymise` keeps them and sets the columns of `blank` to the expressions given, which may
    use `$1`, the customers' ids, only through the row itself. `keep` leaves them, and `why` says on what ground.
    """

    table: str
    on_erasure: Literal["delete", "anonymise", "keep"] = "delete"
    why: str = ""
    column: str = "customer_id"
    blank: Mapping[str, str] = field(default_factory=dict)

    def statement(self) -> str | None:
        """The statement of the erasure, with the customers' ids as its one argument; None where rows are kept."""
        where = f"WHERE {self.column} = ANY($1::uuid[])"
        if self.on_erasure == "delete":
            return f"DELETE FROM {self.table} {where}"  # noqa: S608  # names of ours
        if self.on_erasure == "anonymise":
            values = ", ".join(f"{name} = {value}" for name, value in self.blank.items())
            return f"UPDATE {self.table} SET {values} {where}"  # noqa: S608  # names of ours
        return None


COMMON_PERSONAL_DATA: Final = (
    PersonalTable("book_assignment"),
    PersonalTable("book_alias", column="old_id"),
    PersonalTable("book_alias", column="survivor_id"),
    PersonalTable("erased_customer", "keep", "the id alone, so that a late record is recognised and dropped"),
)
"""The common tables. The log of accesses, letters and parked records hold ids and what was sealed under the destroyed key."""


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
