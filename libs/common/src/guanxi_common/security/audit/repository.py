"""Writing the audit log, always in the transaction of what it tells of."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.keys.store import DataKey
from guanxi_common.security.fields import Place, seal
from guanxi_common.security.principal import AuditContext

_RECORD = """
INSERT INTO audit_entry (actor, action, purpose, request_id, subject_type, fields, reason, subject_id)
SELECT $1, $2, $3, $4, $5, $6, $7, unnest($8::text[])
"""

# A data-modifying CTE always runs to its end, whether or not anything reads from it.
_AUDITED = """
WITH found AS ({select}), logged AS (
    INSERT INTO audit_entry (actor, action, purpose, request_id, subject_type, fields, subject_id)
    SELECT DISTINCT {parameters}, found.{subject}::text FROM found WHERE {shown}
)
SELECT * FROM found
"""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, in somebody's words. It is stored sealed under the customer's data key, and never without one."""

    words: str
    key: DataKey


async def record(
    uow: UnitOfWork,
    audit: AuditContext,
    subject_id: UUID | str,
    fields: Collection[str],
    *,
    subject_type: str = "customer",
    reason: Reason | None = None,
) -> None:
    """Log that `audit` says who accessed or changed `fields` of the subject."""
    sealed = seal(reason.words, reason.key, reason_place(subject_id)) if reason else None
    await _insert(uow, audit, [str(subject_id)], fields, subject_type, sealed)


async def record_many(
    uow: UnitOfWork,
    audit: AuditContext,
    subject_ids: Collection[UUID],
    fields: Collection[str],
    *,
    subject_type: str = "customer",
) -> None:
    """One entry for each subject, in one statement: for lists."""
    if subject_ids:
        await _insert(uow, audit, [str(subject_id) for subject_id in subject_ids], fields, subject_type, None)


def audited_read(
    select: str,
    audit: AuditContext,
    fields: Collection[str],
    *,
    first_parameter: int,
    subject: str = "id",
    subject_type: str = "customer",
    shown: str = "true",
) -> tuple[str, tuple[object, ...]]:
    """`select` and the audit entry of each subject it finds, as one statement for the driver: its text and the arguments to append.

    `subject` is the output column with the subject's id; `shown` the condition on `found` under which a row reaches the caller (a page
    selects one row more than it shows). These three are code, never input, and use the parameters below `first_parameter`.
    """
    statement = _audited(select, first_parameter, subject, shown)
    return statement, (audit.actor, audit.operation, str(audit.purpose), audit.request_id, subject_type, list(fields))


@lru_cache(maxsize=256)
def _audited(select: str, first_parameter: int, subject: str, shown: str) -> str:
    types = ("text", "text", "text", "text", "text", "text[]")
    parameters = ", ".join(f"${first_parameter + number}::{name}" for number, name in enumerate(types))
    return _AUDITED.format(select=select, parameters=parameters, subject=subject, shown=shown)


def reason_place(subject_id: UUID | str) -> Place:
    """Where a sealed reason stands."""
    return Place("audit_entry", "reason", subject_id)


async def _insert(
    uow: UnitOfWork, audit: AuditContext, subjects: list[str], fields: Collection[str], subject_type: str, reason: bytes | None
) -> None:
    common: tuple[Any, ...] = (audit.actor, audit.operation, str(audit.purpose), audit.request_id, subject_type, list(fields))
    await uow.driver.execute(_RECORD, *common, reason, subjects)
    uow.audited = True
