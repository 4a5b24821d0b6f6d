"""The account table."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.security.directory.scope import visible_customers
from guanxi_common.security.principal import RowScope
from sqlalchemy import select

from customer_svc.accounts.policy import Account, Balance
from customer_svc.accounts.tables import AccountRow

_COLUMNS = (
    "id, source, account_number, customer_id, product_code, currency, opened_on, matures_on, closed_on, balance_minor, balance_as_of,"
    " revision, opening_reported_at, status_reported_at"
)


def _account(row: Mapping[Any, Any]) -> Account:
    return Account(**dict(row))


async def lock_accounts(uow: UnitOfWork, account_ids: Collection[UUID]) -> dict[UUID, Account]:
    rows = await uow.driver.fetch(
        f"SELECT {_COLUMNS} FROM account WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE",  # noqa: S608  # constant columns
        list(account_ids),
    )
    return {row["id"]: _account(row) for row in rows}


async def find_customers(uow: UnitOfWork, references: Collection[tuple[str, str]]) -> dict[tuple[str, str], UUID]:
    """Map (source, customer number) to our customer id, for those that are registered."""
    if not references:
        return {}
    rows = await uow.driver.fetch(
        "SELECT source, customer_number, id FROM customer"
        " WHERE (source, customer_number) IN (SELECT * FROM unnest($1::text[], $2::text[]))",
        *zip(*references, strict=True),
    )
    return {(row[0], row[1]): row[2] for row in rows}


async def store_accounts(uow: UnitOfWork, accounts: Collection[Account]) -> None:
    """Insert or replace; the rows are locked, or their opening is held off, by this transaction."""
    ordered = sorted(accounts, key=lambda account: account.id)
    await uow.driver.executemany(
        f"INSERT INTO account ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"  # noqa: S608  # constant columns
        " ON CONFLICT (id) DO UPDATE SET product_code = EXCLUDED.product_code, opened_on = EXCLUDED.opened_on,"
        " matures_on = EXCLUDED.matures_on, closed_on = EXCLUDED.closed_on, balance_minor = EXCLUDED.balance_minor,"
        " balance_as_of = EXCLUDED.balance_as_of, revision = EXCLUDED.revision,"
        " opening_reported_at = EXCLUDED.opening_reported_at, status_reported_at = EXCLUDED.status_reported_at",
        [
            (
                a.id, a.source, a.account_number, a.customer_id, a.product_code, a.currency, a.opened_on, a.matures_on,
                a.closed_on, a.balance_minor, a.balance_as_of, a.revision, a.opening_reported_at, a.status_reported_at,
            )
            for a in ordered
        ],
    )  # fmt: skip


async def read_balances(uow: UnitOfWork, days: Collection[tuple[UUID, date]]) -> dict[tuple[UUID, date], Balance]:
    """The balances of these accounts on these days. The accounts are locked by this transaction."""
    if not days:
        return {}
    rows = await uow.driver.fetch(
        "SELECT account_id, as_of, balance_minor, reported_at, revision FROM account_balance"
        " WHERE (account_id, as_of) IN (SELECT * FROM unnest($1::uuid[], $2::date[]))",
        *zip(*days, strict=True),
    )
    return {(row["account_id"], row["as_of"]): Balance(**dict(row)) for row in rows}


async def store_balances(uow: UnitOfWork, balances: Collection[Balance]) -> None:
    """Insert or replace; the accounts are stored before, and locked by this transaction."""
    await uow.driver.executemany(
        "INSERT INTO account_balance (account_id, as_of, balance_minor, reported_at, revision) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (account_id, as_of) DO UPDATE SET balance_minor = EXCLUDED.balance_minor, reported_at = EXCLUDED.reported_at,"
        " revision = EXCLUDED.revision",
        [(one.account_id, one.as_of, one.balance_minor, one.reported_at, one.revision) for one in balances],
    )


async def list_accounts(uow: UnitOfWork, scope: RowScope, customer_id: UUID, now: datetime) -> list[Account]:
    """All accounts of one customer, oldest first; empty where the customer is out of scope."""
    table = AccountRow.__table__
    statement = (
        select(*table.columns)
        .where(table.c.customer_id == customer_id, visible_customers(scope, table.c.customer_id, now))
        .order_by(table.c.opened_on, table.c.id)
    )
    return [_account(row) for row in (await uow.execute(statement)).mappings()]
