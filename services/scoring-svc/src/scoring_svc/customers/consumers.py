"""`customer.files`, `customer.agreements`, `customer.classifications`: what is known of customers, and a look at what is to be done."""

from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

import msgspec
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.clock import Clock
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.facets import FacetReplica, Values, keeping, open_each, read_each
from guanxi_common.keys.store import KeyStore
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.runner import Handler

from scoring_svc.customers.policy import Consent, RiskProfile
from scoring_svc.queues import planning

FILES: Final = FacetReplica(
    "customer.files",
    "guanxi.customer_file.snapshot.v1",
    "customer_facts",
    {"customer_type": "text", "birth_date": "date", "known_since": "date"},
    first=("known_since",),
)
AGREEMENTS: Final = FacetReplica(
    "customer.agreements", "guanxi.customer_agreements.snapshot.v1", "customer_agreements", {"detail": "jsonb"}
)
CLASSIFICATIONS: Final = FacetReplica(
    "customer.classifications", "guanxi.customer_classification.snapshot.v1", "customer_classification", {"tier": "text"}
)


class _File(msgspec.Struct):
    """What scoring reads of a file."""

    customer_type: str


class _Personal(msgspec.Struct):
    birth_date: date | None = None


class _Agreements(msgspec.Struct):
    """What scoring reads of the agreements; all may be absent."""

    risk_profile: RiskProfile | None = None
    consents: tuple[Consent, ...] = ()
    vulnerable_until: date | None = None
    preferred_channels: tuple[str, ...] = ()


class _Classification(msgspec.Struct):
    """What scoring reads of a classification."""

    tier: str | None = None


def keep_files(keys: KeyStore, calendar: BusinessCalendar, clock: Clock) -> Handler:
    """Make the handler of files. A customer whose data key was destroyed is kept without a birth date until erased."""

    async def read(events: Sequence[Envelope]) -> list[Values]:
        today = calendar.local_date(clock.now())
        opened = await open_each(keys, events, _Personal)
        return [
            (file.customer_type, known and known.birth_date, today)
            for file, known in zip(read_each(events, _File), opened, strict=True)
        ]

    return keeping(FILES, read)


def keep_agreements() -> Handler:
    """Make the handler of agreements."""

    async def read(events: Sequence[Envelope]) -> list[Values]:
        return [(msgspec.json.encode(agreed).decode(),) for agreed in read_each(events, _Agreements)]

    return keeping(AGREEMENTS, read)


def keep_classifications() -> Handler:
    """Make the handler of classifications."""

    async def read(events: Sequence[Envelope]) -> list[Values]:
        return [(classified.tier,) for classified in read_each(events, _Classification)]

    return keeping(CLASSIFICATIONS, read)


def plan_again(clock: Clock) -> Handler:
    """Make the handler that stands behind a replica's: what is known of the customers decides what is to be done for them."""

    async def handle(uow: UnitOfWork, events: Sequence[Envelope]) -> None:
        if not uow.replaying:
            await planning.mark(uow, [UUID(event.key) for event in events], clock.now())

    return handle
