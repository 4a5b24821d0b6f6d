"""Open vulnerabilities, review and resolve them."""

from dataclasses import dataclass, replace
from uuid import UUID

from guanxi_common.errors import InvalidInput, NotFound
from guanxi_common.ids import new_id
from guanxi_common.keys.store import DataKey, KeyStore
from guanxi_common.security.fields import Place, seal, unseal
from guanxi_common.work import Work

from customer_svc.customers.changes import lock_customer, tell_changes
from customer_svc.customers.events import CustomerChanged
from customer_svc.customers.repository import Customer
from customer_svc.facets.policy import Facet
from customer_svc.vulnerabilities import policy, repository
from customer_svc.vulnerabilities.errors import VulnerabilityResolved
from customer_svc.vulnerabilities.policy import VulnerabilityStandard
from customer_svc.vulnerabilities.repository import Vulnerability
from customer_svc.vulnerabilities.schemas import VulnerabilityReport, VulnerabilityResolution, VulnerabilityReview


@dataclass(frozen=True, slots=True)
class VulnerabilityRules:
    """The kinds and review intervals in force, and the customers' data keys."""

    standard: VulnerabilityStandard
    keys: KeyStore


async def open_vulnerability(
    work: Work, rules: VulnerabilityRules, customer_id: UUID, report: VulnerabilityReport
) -> Vulnerability:
    """Keep it and tell it; from then on nothing is sold to the customer. Raises `NotFound`, `InvalidInput`."""
    customer = await lock_customer(work, customer_id)
    if errors := policy.wrong(report.kind, report.review_on, work.today, rules.standard):
        raise InvalidInput(errors=errors)
    key, vulnerability_id = await rules.keys.get(customer_id), new_id()
    vulnerability = Vulnerability(
        id=vulnerability_id,
        customer_id=customer_id,
        kind=report.kind,
        evidence=report.evidence,
        reason_sealed=seal(report.reason, key, _place("reason", vulnerability_id)),
        opened_on=work.today,
        opened_by=work.actor,
        recorded_at=work.now,
        review_on=report.review_on,
        data_origin=report.data_origin,
    )
    await repository.insert_vulnerability(work.uow, vulnerability)
    await _tell(work, key, customer)
    return vulnerability


async def review_vulnerability(
    work: Work, rules: VulnerabilityRules, customer_id: UUID, vulnerability_id: UUID, review: VulnerabilityReview
) -> Vulnerability:
    """It still stands: set the next review. Raises as `resolve_vulnerability`, and `InvalidInput`."""
    customer, found = await _open_one(work, customer_id, vulnerability_id)
    if errors := policy.wrong(None, review.review_on, work.today, rules.standard):
        raise InvalidInput(errors=errors)
    reviewed = replace(
        found, review_on=review.review_on, reviewed_on=work.today, reviewed_by=work.actor, version=found.version + 1
    )
    await repository.update_vulnerability(work.uow, reviewed)
    await _tell(work, await rules.keys.get(customer_id), customer)
    return reviewed


async def resolve_vulnerability(
    work: Work, rules: VulnerabilityRules, customer_id: UUID, vulnerability_id: UUID, resolution: VulnerabilityResolution
) -> Vulnerability:
    """Resolve it, once. Raises `NotFound`, `StaleVersion`, `VulnerabilityResolved`."""
    customer, found = await _open_one(work, customer_id, vulnerability_id)
    key = await rules.keys.get(customer_id)
    resolved = replace(
        found,
        resolved_on=work.today,
        resolved_by=work.actor,
        resolution_sealed=seal(resolution.resolution, key, _place("resolution", found.id)),
        version=found.version + 1,
    )
    await repository.update_vulnerability(work.uow, resolved)
    await _tell(work, key, customer)
    return resolved


def words_of(vulnerability: Vulnerability, key: DataKey) -> tuple[str, str | None]:
    """Reason and resolution in the clear, for who may read them. Raises `SealBroken`."""
    sealed = vulnerability.resolution_sealed
    return (
        unseal(vulnerability.reason_sealed, key, _place("reason", vulnerability.id)),
        unseal(sealed, key, _place("resolution", vulnerability.id)) if sealed else None,
    )


async def _open_one(work: Work, customer_id: UUID, vulnerability_id: UUID) -> tuple[Customer, Vulnerability]:
    """The customer, locked, and the vulnerability, which its lock holds too."""
    customer = await lock_customer(work, customer_id)
    found = await repository.read_vulnerability(work.uow, work.scope, customer_id, vulnerability_id, work.now)
    if found is None:
        raise NotFound
    work.check_version(found.version)
    if found.resolved_on is not None:
        raise VulnerabilityResolved
    return customer, found


async def _tell(work: Work, key: DataKey, customer: Customer) -> None:
    changed = CustomerChanged(customer_id=customer.id, changed_fields=["vulnerability"])
    await tell_changes(work, key, customer, Facet.AGREEMENTS, [changed])


def _place(column: str, vulnerability_id: UUID) -> Place:
    return Place("vulnerability", column, vulnerability_id)
