"""`customer.snapshots`: the book, what the customer has agreed to, and a look at what is to be done."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import Clock
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.erasure.replay import erase_told
from guanxi_common.keys.store import DataKey, KeyStore
from guanxi_common.messaging.envelope import Envelope, newest_of_each_key
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.messaging.runner import Handler
from guanxi_common.security.directory.consumers import apply_books
from guanxi_common.security.fields import Place, SealBroken, unseal_json

from scoring_svc.customers import repository
from scoring_svc.customers.policy import Consent, CustomerFacts, RiskProfile
from scoring_svc.personal_data import PERSONAL_DATA
from scoring_svc.queues import planning


class _Snapshot(msgspec.Struct):
    """What scoring reads of `customer.snapshot`; all but the first three may be absent."""

    customer_id: UUID
    customer_type: str
    sealed: str
    tier: str | None = None
    risk_profile: RiskProfile | None = None
    consents: tuple[Consent, ...] = ()
    vulnerable_until: date | None = None
    preferred_channels: tuple[str, ...] = ()


class _Opened(msgspec.Struct):
    birth_date: date | None = None


def replicate_customers(keys: KeyStore, calendar: BusinessCalendar, clock: Clock) -> Handler:
    """Make the handler. A customer whose data key was destroyed is kept without a birth date until erased."""

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        now, events = clock.now(), newest_of_each_key(events)
        told = [(_snapshot(event), event.version) for event in events if event.data is not None]
        data_keys = await keys.get_many({snapshot.customer_id for snapshot, _ in told})
        today = calendar.local_date(now)
        facts = [(_facts(snapshot, data_keys.get(snapshot.customer_id), today), version) for snapshot, version in told]
        await repository.apply_customers(uow, facts)
        await apply_books(uow, events)
        if not uow.replaying:
            await planning.mark(uow, [snapshot.customer_id for snapshot, _ in told], now)
        await erase_told(uow, PERSONAL_DATA, [event.key for event in events if event.data is None], clock)

    return handle


def _snapshot(event: Envelope) -> _Snapshot:
    try:
        return msgspec.convert(event.data, _Snapshot)
    except msgspec.ValidationError as error:
        raise PermanentError("invalid_event", event.type, event_id=event.id) from error


def _facts(snapshot: _Snapshot, key: DataKey | None, today: date) -> CustomerFacts:
    return CustomerFacts(
        customer_id=snapshot.customer_id,
        customer_type=snapshot.customer_type,
        birth_date=_birth_date(snapshot, key) if key else None,
        known_since=today,
        tier=snapshot.tier,
        risk_profile=snapshot.risk_profile,
        consents=snapshot.consents,
        vulnerable_until=snapshot.vulnerable_until,
        preferred_channels=snapshot.preferred_channels,
    )


def _birth_date(snapshot: _Snapshot, key: DataKey) -> date | None:
    try:
        place = Place("customer.snapshots", "sealed", snapshot.customer_id)
        return msgspec.convert(unseal_json(snapshot.sealed, key, place), _Opened).birth_date
    except SealBroken as error:
        raise PermanentError("seal_broken", "customer.snapshot") from error
