"""A digest that was taken."""

from datetime import date, datetime

from guanxi_common.messaging.envelope import DomainEvent


class DigestTaken(DomainEvent, type="guanxi.digest.taken.v1", topic="customer.digests", key="digested"):
    """See the schema: `sums` of 256 buckets, which hold at `offsets`."""

    digested: str
    taken_at: datetime
    until: date
    sums: list[str]
    offsets: dict[str, int]
