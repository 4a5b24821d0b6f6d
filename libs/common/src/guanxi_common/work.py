"""What a use case works with: one transaction, for whom it acts and on which rows, and when.

```python
async def resolve_complaint(work: Work, rules: ComplaintRules, complaint_id: UUID, resolution: Resolution) -> Complaint:
```

An edge makes it once a call (`http.call`), a batch or a job (`Work.of_system`), and commits. See docs/adr/0053.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Self
from uuid import UUID

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import StaleVersion
from guanxi_common.security.principal import SYSTEM_SCOPE, AuditContext, PersonRequired, Principal, Purpose, RowScope


@dataclass(frozen=True, slots=True)
class Work:
    """`scope`: the rows that the work may touch. `now`: one instant for all that it does; `today`: its date in the business zone.

    `caller` is None where the system works for itself. `allowed`: the versions that `If-Match` names; None allows any.
    """

    uow: UnitOfWork
    scope: RowScope
    audit: AuditContext
    now: datetime
    today: date
    caller: Principal | None = None
    allowed: tuple[int, ...] | None = None

    @classmethod
    def of_system(cls, uow: UnitOfWork, name: str, now: datetime, calendar: BusinessCalendar) -> Self:
        """The work of the consumer, job or step of that name: on all rows, and for no person."""
        audit = AuditContext(f"system:{name}", name, Purpose.OPERATIONS, None)
        return cls(uow, SYSTEM_SCOPE, audit, now, calendar.local_date(now))

    @property
    def actor(self) -> str:
        """`staff:<id>`, `client:<id>` or `system:<name>`, as events and rows name it."""
        return self.audit.actor

    @property
    def person(self) -> UUID:
        """The member of staff who works. Raises `PersonRequired` for a client and for the system."""
        if self.caller is None:
            raise PersonRequired
        return self.caller.staff_id

    def demand(self, permission: str) -> None:
        """Raise `Forbidden` unless the caller holds `permission` too; the system needs none."""
        if self.caller is not None:
            self.caller.scope(permission)

    def check_version(self, version: int) -> None:
        """Raise `StaleVersion` unless `If-Match` allows `version`, read under the row's lock."""
        if self.allowed is not None and version not in self.allowed:
            raise StaleVersion(current=version)
