"""A row that cannot be written: one item of a queue that fails, however often it is tried."""

from typing import Final

from guanxi_common.db.uow import UnitOfWork

_FAILS: Final = "RAISE EXCEPTION 'poisoned' USING ERRCODE = '22003'"


async def poison(uow: UnitOfWork, table: str, column: str, value: object) -> None:
    """From the commit on, whoever inserts or updates the row with that value fails with SQLSTATE 22003. `mend` ends it."""
    await uow.driver.execute(
        f"CREATE FUNCTION poisoned() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {_FAILS}; END $$;"
        f" CREATE TRIGGER poisoned BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW"
        f" WHEN (NEW.{column}::text = '{value}') EXECUTE FUNCTION poisoned()"
    )


async def mend(uow: UnitOfWork) -> None:
    await uow.driver.execute("DROP FUNCTION poisoned CASCADE")
