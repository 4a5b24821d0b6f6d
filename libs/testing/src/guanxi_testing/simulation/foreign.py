"""Records that nobody can read, as a careless or sly producer puts them on a topic: in header, key or value."""

from random import Random
from typing import Final

from guanxi_common.messaging.bus import Outgoing

_HEADERS: Final = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"00000000-0000-4000-8000-000000000000"),
    ("ce_source", b"/somebody"),
    ("ce_type", b"guanxi.task.opened.v1"),
    ("ce_time", b"2026-11-23T08:00:00Z"),
    ("ce_aggregateversion", b"1"),
)


def foreign_record(random: Random, topic: str, key: str) -> Outgoing:
    """One that names the key of others, or none that anybody could have."""
    bad_header = random.choice(
        [
            ("ce_time", b"9999-12-31T23:59:59-08:00"),
            ("ce_id", b"no uuid"),
            ("ce_source", b"/a\0b"),
            ("ce_source", b"\xff"),
            ("ce_aggregateversion", b"9" * 30),
            ("ce_specversion", b"0.3"),
        ]
    )
    bad_key = random.choice([None, f"{key}\0x".encode(), b"\xff\xfe", key.encode() + b"k" * 5_000])
    bad_value = random.choice([b"", b"{", b"[]", b'{"n": "\xff"}', b'{"n": "\\u0000"}'])
    return random.choice(
        [
            Outgoing(topic, key.encode(), b"{}", (*(one for one in _HEADERS if one[0] != bad_header[0]), bad_header)),
            Outgoing(topic, bad_key, b"{}", _HEADERS),  # type: ignore[arg-type]  # no key: no producer of ours sends that
            Outgoing(topic, key.encode(), bad_value, _HEADERS),
        ]
    )
