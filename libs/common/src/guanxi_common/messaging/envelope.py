"""Events: the typed `DomainEvent` that a slice raises and the `Envelope` (CloudEvents 1.0) that travels.

On the wire an envelope is a Kafka record in CloudEvents *binary* mode: attributes as `ce_*` headers, `data` as the JSON value,
the key (customer id; entity id for the directory) as the record key. See `guanxi_contracts.codec`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Unpack
from uuid import UUID

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event. `data` is the JSON object of the event's schema.

    `raw` is set, and `data` is not, where the handler parses the value itself (`Subscription.parsed_by`).
    `aggregate_version` is set on *changes* (1..n per key, contiguous) and on *snapshots* (greater is newer), and None on facts.
    A snapshot with `data` None is a tombstone.
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
