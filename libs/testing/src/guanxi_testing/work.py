"""The work of a member of staff, as a route would make it, for tests that call services."""

from datetime import datetime
from uuid import UUID, uuid4

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.security.principal import SYSTEM_SCOPE, AuditContext, Identity, Principal, Purpose, RowScope
from guanxi_common.work import Work


def work_of(
    uow: UnitOfWork, scope: RowScope, now: datetime, calendar: BusinessCalendar, *, allowed: tuple[int, ...] | None = None
) -> Work:
    """The work on the rows of `scope`, by its member of staff. `allowed` are the versions that `If-Match` names."""
    person: UUID = scope.staff_id or uuid4()
    caller = Principal(Identity("test", str(person), "staff"), person, "test", None, scope.outlet_ids, {})
    audit = AuditContext(caller.actor, "test", Purpose.CUSTOMER_SERVICE, None)
    return Work(uow, scope, audit, now, calendar.local_date(now), caller, allowed)


def work_by(actor: str, uow: UnitOfWork, now: datetime, calendar: BusinessCalendar, scope: RowScope = SYSTEM_SCOPE) -> Work:
    """The work of an actor by name, such as `staff:approver`, for use cases that ask nothing else of the caller."""
    return Work(uow, scope, AuditContext(actor, "test", Purpose.OPERATIONS, None), now, calendar.local_date(now))
