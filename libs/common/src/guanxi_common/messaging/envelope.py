"""Events: the typed `DomainEvent` that a slice raises and the `Envelope` (CloudEvents 1.0) that travels.

On the wire an envelope is a Kafka record in CloudEvents *binary* mode: attributes as `ce_*` headers, `data` as the JSON value,
the key (customer id; entity id for the directory) as the record key. See `guanxi_contracts.codec`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Final, NamedTuple, Unpack
from uuid import UUID

from pydantic import BaseModel, ConfigDict

FIRST_EPOCH: Final = 1


class Version(NamedTuple):
    """A version of an aggregate, ordered: every version of a later epoch of its owner is newer than all of an earlier one.

    An owner whose database was restored counts on from an older number, in a new epoch.
    """

    epoch: int
    number: int


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event. `data` is the JSON object of the event's schema.

    `raw` is set, and `data` is not, where the handler parses the value itself (`Subscription.parsed_by`).
    `aggregate_version` is set on *changes* (1..n per key, contiguous) and on *snapshots* (greater is newer), and None on facts.
    `epoch` is the owner's; only the versions of changes and snapshots are compared by it. A snapshot with `data` None is a tombstone.
    """

    id: UUID
    type: str
    topic: str
    key: str
    source: str
    time: datetime
    data: dict[str, Any] | None
    aggregate_version: int | None = None
    traceparent: str | None = None
    causation_id: str | None = None
    actor: str | None = None
    extensions: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    epoch: int = FIRST_EPOCH

    @property
    def version(self) -> Version:
        """The version that a change or a snapshot carries; below every one of its epoch for a fact, which carries none."""
        return Version(self.epoch, self.aggregate_version or 0)


def newest_of_each_key(events: Iterable[Envelope]) -> list[Envelope]:
    """Of each key the event with the newest version: a snapshot or its tombstone says all that counts, whatever came before it."""
    newest: dict[str, Envelope] = {}
    for event in events:
        if event.key not in newest or newest[event.key].version <= event.version:
            newest[event.key] = event
    return list(newest.values())


class DomainEvent(BaseModel):
    """The base of a slice's events. Fields are the event's `data`; class keywords say how it travels.

    ```python
    class TransactionPosted(DomainEvent, type="guanxi.transaction.posted.v1", topic="bank.transactions", key="customer_id"):
        customer_id: UUID
    ```
    A JSON Schema of the same name in `guanxi_contracts/schemas` is the contract; a test holds the model against it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_type: ClassVar[str]
    topic: ClassVar[str]
    key_field: ClassVar[str]

    def __init_subclass__(cls, *, type: str = "", topic: str = "", key: str = "", **kwargs: Unpack[ConfigDict]) -> None:  # noqa: A002
        super().__init_subclass__(**kwargs)
        if type:
            cls.event_type, cls.topic, cls.key_field = type, topic, key

    @property
    def key(self) -> str:
        return str(getattr(self, self.key_field))
