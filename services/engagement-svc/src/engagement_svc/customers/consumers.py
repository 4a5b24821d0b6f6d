"""`customer.files`, `customer.agreements`: the replica."""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Annotated, Final
from uuid import UUID

import msgspec
from guanxi_common.facets import FacetReplica, Values, keeping, open_each, read_each
from guanxi_common.keys.store import KeyStore
from guanxi_common.messaging.envelope import Envelope
from guanxi_common.messaging.runner import Handler
from guanxi_common.security.directory.consumers import CUSTOMER_BOOK

FILES: Final = FacetReplica(
    "customer.files",
    "guanxi.customer_file.snapshot.v1",
    "customer",
    {"customer_type": "text", "outlet_id": "uuid", "language": "text", "name": "text", "birth_date": "date"},
)
AGREEMENTS: Final = FacetReplica(
    "customer.agreements",
    "guanxi.customer_agreements.snapshot.v1",
    "customer_agreements",
    {
        "max_contacts": "int",
        "contact_period_days": "int",
        "quiet_from": "time",
        "quiet_to": "time",
        "consents": "jsonb",
        "preferred_channels": "jsonb",
    },
)
FACETS: Final = {FILES.topic: FILES.type, AGREEMENTS.topic: AGREEMENTS.type, "customer.books": CUSTOMER_BOOK}
"""The type of each facet that engagement-svc keeps, by its topic."""


class _File(msgspec.Struct):
    """What the replica reads of a file."""

    customer_type: str
    outlet_id: UUID
    language: str


class _Personal(msgspec.Struct):
    display_name: str
    birth_date: date | None = None


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


class _Agreements(msgspec.Struct):
    """What the replica reads of the agreements."""

    contact_limits: _ContactLimits | None = None
    consents: list[_Consent] = []
    quiet_hours: _QuietHours | None = None
    preferred_channels: tuple[str, ...] = ()


def keep_files(keys: KeyStore) -> Handler:
    """Make the handler of files. A customer whose data key was destroyed is kept without a name until erased."""

    async def read(events: Sequence[Envelope]) -> list[Values]:
        opened = await open_each(keys, events, _Personal)
        return [
            (file.customer_type, file.outlet_id, file.language, known and known.display_name, known and known.birth_date)
            for file, known in zip(read_each(events, _File), opened, strict=True)
        ]

    return keeping(FILES, read)


def keep_agreements() -> Handler:
    """Make the handler of agreements."""

    async def read(events: Sequence[Envelope]) -> list[Values]:
        return [_values(agreed) for agreed in read_each(events, _Agreements)]

    return keeping(AGREEMENTS, read)


def _values(agreed: _Agreements) -> Values:
    limits, quiet = agreed.contact_limits, agreed.quiet_hours
    return (
        limits.max_contacts if limits else None,
        limits.per_days if limits else None,
        time.fromisoformat(quiet.from_) if quiet else None,
        time.fromisoformat(quiet.to) if quiet else None,
        msgspec.json.encode(agreed.consents).decode(),
        msgspec.json.encode(agreed.preferred_channels).decode(),
    )
