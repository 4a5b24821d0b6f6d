"""Open vulnerabilities, review and resolve them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import InvalidInput, NotFound
from guanxi_common.ids import new_id
from guanxi_common.keys.store import DataKey, KeyStore
from guanxi_common.security.fields import Place, seal, unseal
from guanxi_common.security.principal import RowScope

from customer_svc.customers.changes import lock_customer, tell_changes
from customer_svc.customers.events import CustomerChanged
from customer_svc.customers.repository import Customer
from customer_svc.facets.policy import Facet
from customer_svc.vulnerabilities import policy, repository
from customer_svc.vulnerabilities.errors import VulnerabilityResolved
from customer_svc.vulnerabilities.policy import VulnerabilityStandard
from customer_svc.vulnerabilities.repository import Vulnerability
from customer_svc.vulnerabilities.schemas import VulnerabilityReport, VulnerabilityResolution, VulnerabilityReview


async def open_vulnerability(
    uow: UnitOfWork,
    scope: RowScope,
    keys: KeyStore,
    calendar: BusinessCalendar,
    standard: VulnerabilityStandard,
    customer_id: UUID,
    report: VulnerabilityReport,
    opened_by: str,
    now: datetime,
) -> Vulnerability:
    """Keep it and tell it; from then on nothing is sold to the customer. Raises `NotFound`, `InvalidInput`."""
    customer = await lock_customer(uow, scope, customer_id, now)
    today = calendar.local_date(now)
    if errors := policy.wrong(report.kind, report.review_on, today, standard):
        raise InvalidInput(errors=errors)
    key, vulnerability_id = await keys.get(customer_id), new_id()
    vulnerability = Vulnerability(
        id=vulnerability_id,
        customer_id=customer_id,
        kind=report.kind,
        evidence=report.evidence,
        reason_sealed=seal(report.reason, key, _place("reason", vulnerability_id)),
        opened_on=today,
        opened_by=opened_by,
        recorded_at=now,
        review_on=report.review_on,
        data_origin=report.data_origin,
    )
    await repository.insert_vulnerability(uow, vulnerability)
    await _tell(uow, key, customer, now)
    return vulnerability


async def review_vulnerability(
    uow: UnitOfWork,
    scope: RowScope,
    keys: KeyStore,
    calendar: BusinessCalendar,
    standard: VulnerabilityStandard,
    customer_id: UUID,
    vulnerability_id: UUID,
    review: VulnerabilityReview,
    reviewed_by: str,
    now: datetime,
    check_version: Callable[[int], None],
) -> Vulnerability:
    """It still stands: set the next review. Raises as `resolve_vulnerability`, and `InvalidInput`."""
    customer, found = await _open_one(uow, scope, customer_id, vulnerability_id, now, check_version)
    today = calendar.local_date(now)
    if errors := policy.wrong(None, review.review_on, today, standard):
        raise InvalidInput(errors=errors)
    reviewed = replace(found, review_on=review.review_on, reviewed_on=today, reviewed_by=reviewed_by, version=found.version + 1)
    await repository.update_vulnerability(uow, reviewed)
    await _tell(uow, await keys.get(customer_id), customer, now)
    return reviewed


async def resolve_vulnerability(
    uow: UnitOfWork,
    scope: RowScope,
    keys: KeyStore,
    calendar: BusinessCalendar,
    customer_id: UUID,
    vulnerability_id: UUID,
    told: VulnerabilityResolution,
    resolved_by: str,
    now: datetime,
    check_version: Callable[[int], None],
) -> Vulnerability:
    """Resolve it, once. Raises `NotFound`, `StaleVersion` by `check_version`, `VulnerabilityResolved`."""
    customer, found = await _open_one(uow, scope, customer_id, vulnerability_id, now, check_version)
    key = await keys.get(customer_id)
    resolved = replace(
        found,
        resolved_on=calendar.local_date(now),
        resolved_by=resolved_by,
        resolution_sealed=seal(told.resolution, key, _place("resolution", found.id)),
        version=found.version + 1,
    )
    await repository.update_vulnerability(uow, resolved)
    await _tell(uow, key, customer, now)
    return resolved


def words_of(vulnerability: Vulnerability, key: DataKey) -> tuple[str, str | None]:
    """Reason and resolution in the clear, for who may read them. Raises `SealBroken`."""
    sealed = vulnerability.resolution_sealed
    return (
        unseal(vulnerability.reason_sealed, key, _place("reason", vulnerability.id)),
        unseal(sealed, key, _place("resolution", vulnerability.id)) if sealed else None,
    )


async def _open_one(
    uow: UnitOfWork,
    scope: RowScope,
    customer_id: UUID,
    vulnerability_id: UUID,
    now: datetime,
    check_version: Callable[[int], None],
) -> tuple[Customer, Vulnerability]:
    """The customer, locked, and the vulnerability, which its lock holds too."""
    customer = await lock_customer(uow, scope, customer_id, now)
    found = await repository.read_vulnerability(uow, scope, customer_id, vulnerability_id, now)
    if found is None:
        raise NotFound
    check_version(found.version)
    if found.resolved_on is not None:
        raise VulnerabilityResolved
    return customer, found


async def _tell(uow: UnitOfWork, key: DataKey, customer: Customer, now: datetime) -> None:
    changed = CustomerChanged(customer_id=customer.id, changed_fields=["vulnerability"])
    await tell_changes(uow, key, customer, Facet.AGREEMENTS, [changed], now)


def _place(column: str, vulnerability_id: UUID) -> Place:
    return Place("vulnerability", column, vulnerability_id)
