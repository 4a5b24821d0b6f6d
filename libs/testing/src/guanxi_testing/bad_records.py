"""Records that nobody can read, as a careless or sly producer sends them. Each becomes a dead letter, and the next record proceeds."""

from dataclasses import replace
from typing import Final

from guanxi_common.messaging.bus import Outgoing

from guanxi_testing.fabric import CHANGED, CHANGES, FACTS, OPENED, SNAPSHOT, SNAPSHOTS, fact, record


def _with(base: Outgoing, *headers: tuple[str, bytes]) -> Outgoing:
    """The record with these headers in the place of its own of the same names."""
    names = {name for name, _ in headers}
    return replace(base, headers=(*(header for header in base.headers if header[0] not in names), *headers))


def bad_records(key: str) -> dict[str, Outgoing]:
    """By a name; `key` is somewhere in each."""
    good = fact(key)
    deep, huge = b"[" * 50_000 + b"]" * 50_000, b"9" * 5_000
    return {
        "time-beyond-utc": _with(good, ("ce_time", b"9999-12-31T23:59:59-08:00")),
        "time-before-utc": _with(good, ("ce_time", b"0001-01-01T00:00:00+08:00")),
        "time-of-the-year-3000": _with(good, ("ce_time", b"3000-01-01T00:00:00Z")),
        "time-without-zone": _with(good, ("ce_time", b"2026-11-23T08:00:00")),
        "time-nonsense": _with(good, ("ce_time", "昨天".encode())),
        "key-with-nul": replace(good, key=f"{key}\0x".encode()),
        "key-of-nul": replace(good, key=b"\0"),
        "key-of-5000-bytes": replace(good, key=key.encode() + b"k" * 5_000),
        "key-not-utf-8": replace(good, key=key.encode() + b"\xff\xfe"),
        "key-empty-and-no-event": Outgoing(FACTS, b"", key.encode(), ()),
        "id-nonsense": _with(good, ("ce_id", b"no uuid")),
        "id-missing": replace(good, headers=tuple(header for header in good.headers if header[0] != "ce_id")),
        "header-twice": replace(good, headers=(*good.headers, ("ce_type", b"guanxi.task.completed.v1"))),
        "header-not-utf-8": _with(good, ("ce_source", b"\xff\xfe")),
        "header-with-nul": _with(good, ("ce_source", b"/a\0b")),
        "header-of-100-kilobytes": _with(good, ("ce_actor", b"a" * 100_000)),
        "header-name-absurd": _with(good, ("ce_\N{PILE OF POO} name", b"x")),
        "type-of-20-kilobytes": _with(good, ("ce_type", b"t" * 20_000)),
        "headers-by-the-thousand": replace(good, headers=(*good.headers, *((f"ce_x{n}", b"y" * 20) for n in range(1_000)))),
        "version-beyond-int8": record(CHANGES, key, CHANGED, version=2**63, data={}),
        "version-of-a-snapshot-beyond-int8": record(SNAPSHOTS, key, SNAPSHOT, version=10**30, data={}),
        "version-negative": _with(record(CHANGES, key, CHANGED, version=1, data={}), ("ce_aggregateversion", b"-1")),
        "version-nonsense": _with(record(CHANGES, key, CHANGED, version=1, data={}), ("ce_aggregateversion", "一".encode())),
        "epoch-beyond-int8": _with(record(CHANGES, key, CHANGED, version=1, data={}), ("ce_epoch", b"9" * 30)),
        "json-deep": record(FACTS, key, OPENED, data=b'{"n": ' + deep + b"}"),
        "json-number-of-5000-digits": record(FACTS, key, OPENED, data=b'{"n": ' + huge + b"}"),
        "json-beyond-float": record(FACTS, key, OPENED, data=b'{"n": 1e999}'),
        "json-nul": record(FACTS, key, OPENED, data=b'{"n": 1, "t": "a\\u0000b"}'),
        "json-lone-surrogate": record(FACTS, key, OPENED, data=b'{"n": 1, "t": "\\ud800"}'),
        "json-not-utf-8": record(FACTS, key, OPENED, data=b'{"n": 1, "t": "\xff"}'),
        "json-empty": record(FACTS, key, OPENED, data=b""),
    }


UNFIT_NUMBER: Final = 2**63
"""A number that is good JSON, and that no column of eight bytes takes: the handler fails on it."""
