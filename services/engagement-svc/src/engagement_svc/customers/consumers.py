"""`customer.snapshots`: the replica and the book."""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Annotated
from uuid import UUID

import msgspec
from guanxi_common.clock import Clock
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.erasure.replay import erase_told
from guanxi_common.keys.store import DataKey, KeyStore
from guanxi_common.messaging.envelope import Envelope, Version, newest_of_each_key
from guanxi_common.messaging.failures import PermanentError
from guanxi_common.messaging.runner import Handler
from guanxi_common.security.directory.consumers import apply_books
from guanxi_common.security.fields import Place, SealBroken, unseal_json

from engagement_svc.customers import repository
from engagement_svc.customers.repository import CustomerReplica
from engagement_svc.personal_data import PERSONAL_DATA


class _ContactLimits(msgspec.Struct):
    max_contacts: int
    per_days: int


class _Consent(msgspec.Struct):
    purpose: str
    channel: str
    granted: bool
    since: datetime | None = None


_TimeOfDay = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class _QuietHours(msgspec.Struct, rename={"from_": "from"}):
    from_: _TimeOfDay
    to: _TimeOfDay


class _Snapshot(msgspec.Struct):
    """What the replica reads of `customer.snapshot`."""

    customer_id: UUID
    customer_type: str
    outlet_id: UUID
    language: str
    sealed: str
    contact_limits: _ContactLimits | None = None
    consents: list[_Consent] = []
    quiet_hours: _QuietHours | None = None
    preferred_channels: tuple[str, ...] = ()


class _Opened(msgspec.Struct):
    display_name: str
    birth_date: date | None = None


def replicate_customers(keys: KeyStore, clock: Clock) -> Handler:
    """Make the handler of `customer.snapshots`. A customer whose data key was destroyed is kept without a name until erased."""

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        events = newest_of_each_key(events)
        snapshots = [(_snapshot(event), event.version) for event in events if event.data is not None]
        data_keys = await keys.get_many({snapshot.customer_id for snapshot, _ in snapshots})
        await repository.apply_customers(
            uow, [_replica(snapshot, version, data_keys.get(snapshot.customer_id)) for snapshot, version in snapshots]
        )
        await apply_books(uow, events)
        await erase_told(uow, PERSONAL_DATA, [event.key for event in events if event.data is None], clock)

    return handle


def _snapshot(event: Envelope) -> _Snapshot:
    try:
        return msgspec.convert(event.data, _Snapshot)
    except msgspec.ValidationError as error:
        raise PermanentError("invalid_event", event.type, event_id=event.id) from error


def _replica(snapshot: _Snapshot, version: Version, key: DataKey | None) -> CustomerReplica:
    opened = _open(snapshot, key) if key else None
    limits, quiet = snapshot.contact_limits, snapshot.quiet_hours
    return CustomerReplica(
        customer_id=snapshot.customer_id,
        customer_type=snapshot.customer_type,
        outlet_id=snapshot.outlet_id,
        language=snapshot.language,
        name=opened.display_name if opened else None,
        birth_date=opened.birth_date if opened else None,
        version=version.number,
        epoch=version.epoch,
        max_contacts=limits.max_contacts if limits else None,
        contact_period_days=limits.per_days if limits else None,
        consents=[msgspec.to_builtins(consent) for consent in snapshot.consents],
        quiet_from=time.fromisoformat(quiet.from_) if quiet else None,
        quiet_to=time.fromisoformat(quiet.to) if quiet else None,
        preferred_channels=snapshot.preferred_channels,
    )


def _open(snapshot: _Snapshot, key: DataKey) -> _Opened:
    try:
        place = Place("customer.snapshots", "sealed", snapshot.customer_id)
        return msgspec.convert(unseal_json(snapshot.sealed, key, place), _Opened)
    except SealBroken as error:
        raise PermanentError("seal_broken", "customer.snapshot") from error
