"""`guanxi appoint`, as the command line calls it."""

import getpass

from guanxi_common.clock import SystemClock
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.security.principal import AuditContext, Purpose

from customer_svc.directory.service import new_staff
from customer_svc.proposals.appointment import appoint


async def appoint_on_host(database_url: str, issuer: str, subject: str, role: str, reason: str, replaces: str | None) -> None:
    """Appoint in the database and commit; audited as done by this account of the host. Raises as `appoint` does."""
    clock = SystemClock()
    host = AuditContext(f"host:{getpass.getuser()}", "appoint", Purpose.OPERATIONS, None)
    database = Database(create_engine(database_url, pool_size=1, application_name="guanxi appoint"))
    try:
        async with database.transaction() as uow:
            await appoint(uow, host, new_staff(issuer, subject, subject, role), reason, clock.now(), replaces=replaces)
            await uow.commit()
    finally:
        await database.dispose()
