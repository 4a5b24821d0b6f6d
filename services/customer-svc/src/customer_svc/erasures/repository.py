"""What an erasure asks of the tables."""

from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.security.principal import RowScope, ScopeKind


async def lock_file(uow: UnitOfWork, scope: RowScope, customer_id: UUID) -> int | None:
    """The file's version, its row locked against every other writer; None where there is none, or it was erased.

    Only over the whole bank: nobody erases within a book.
    """
    if scope.kind is not ScopeKind.ALL:
        return None
    version: int | None = await uow.driver.fetchval(
        "SELECT version FROM customer WHERE id = $1 AND erased_at IS NULL FOR UPDATE", customer_id
    )
    return version


async def count_open_accounts(uow: UnitOfWork, customer_id: UUID) -> int:
    return int(
        await uow.driver.fetchval("SELECT count(*) FROM account WHERE customer_id = $1 AND closed_on IS NULL", customer_id)
    )


async def raise_version(uow: UnitOfWork, customer_id: UUID) -> None:
    """The erasure is the file's last change."""
    await uow.driver.execute("UPDATE customer SET version = version + 1 WHERE id = $1", customer_id)
