"""From a record to an arrival: the one place where a consumer decodes."""

from hashlib import blake2b
from typing import Final

import structlog
from guanxi_contracts.codec import DecodeError, decode

from guanxi_common.messaging.bus import Record
from guanxi_common.messaging.policy import Arrival

UNDECODABLE: Final = "undecodable"
"""The reason of a dead letter that made the decoder fail in a way nobody has thought of."""

log = structlog.get_logger(__name__)


def arrive(record: Record, *, parked_id: int | None = None, parse: bool = True) -> Arrival:
    """Decode a record; never raises: a record that is no event arrives without an envelope and with the reason.

    `parse=False`: the handler parses the value and knows a repeat by its own key, so neither data nor hash is made.
    """
    try:
        envelope = decode(record, parse=parse)
    except DecodeError as error:
        return Arrival(record, None, 0, error.reason, parked_id)
    except Exception as error:
        # What nobody has thought of is one record's fault too, and must not be its neighbours' end.
        log.exception("record_not_decoded", topic=record.topic, error=type(error).__name__)
        return Arrival(record, None, 0, UNDECODABLE, parked_id)
    if not parse:
        return Arrival(record, envelope, 0, "", parked_id)
    return Arrival(record, envelope, payload_hash(record.value), "", parked_id)


def payload_hash(value: bytes | None) -> int:
    """64 bits of BLAKE2b as a signed integer, as PostgreSQL's bigint takes them."""
    return int.from_bytes(blake2b(value or b"", digest_size=8).digest(), signed=True)
