"""From a record to an arrival: the one place where a consumer decodes."""

from hashlib import blake2b

from guanxi_contracts.codec import DecodeError, decode

from guanxi_common.messaging.bus import Record
from guanxi_common.messaging.policy import Arrival


def arrive(record: Record, *, parked_id: int | None = None, parse: bool = True) -> Arrival:
    """Decode a record; never raises: a record that is no event arrives without an envelope and with the reason.

    `parse=False`: the handler parses the value and knows a repeat by its own key, so neither data nor hash is made.
    """
    try:
        envelope = decode(record, parse=parse)
    except DecodeError as error:
        return Arrival(record, None, 0, error.reason, parked_id)
    if not parse:
        return Arrival(record, envelope, 0, "", parked_id)
    return Arrival(record, envelope, payload_hash(record.value), "", parked_id)


def payload_hash(value: bytes | None) -> int:
    """64 bits of BLAKE2b as a signed integer, as PostgreSQL's bigint takes them."""
    return int.from_bytes(blake2b(value or b"", digest_size=8).digest(), signed=True)
