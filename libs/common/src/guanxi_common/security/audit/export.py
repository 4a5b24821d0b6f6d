"""Exports of the audit log: JSON lines that an outsider can check without our database (`verify`).

A whole export holds every sealed entry and head in the order of the log. A partial one holds the entries of one subject, each with
its inclusion proof in the last head, and a consistency proof for every head that the reader may have kept (`anchors`).
Sealed reasons stay sealed. Both are read in one snapshot of the database.
"""

import json
from collections.abc import AsyncGenerator, Iterable
from typing import Any

import asyncpg

from guanxi_common.security.audit.heads import ENTRY_FIELDS, Head, entry_of
from guanxi_common.security.audit.merkle import Tree

FORMAT = 1
_COLUMNS = f"{', '.join(ENTRY_FIELDS)}, sealed_seq, leaf_hash"
_HEADS = "SELECT size, root, at, public_key, signature FROM audit_head ORDER BY size"
_ENTRIES = f"SELECT {_COLUMNS} FROM audit_entry WHERE sealed_seq IS NOT NULL ORDER BY sealed_seq"  # noqa: S608  # constant names
_ENTRIES_OF = (
    f"SELECT {_COLUMNS} FROM audit_entry WHERE subject_type = $1 AND subject_id = $2 AND sealed_seq < $3"  # noqa: S608  # constant names
    " ORDER BY sealed_seq"
)


async def export_log(connection: "asyncpg.Connection[Any]", log: str) -> AsyncGenerator[str, None]:
    """The lines of a whole export of the service `log`; memory stays flat."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        heads = await connection.fetch(_HEADS)
        yield _line({"kind": "log", "format": FORMAT, "log": log, "whole": True})
        pending = iter(heads)
        head = next(pending, None)
        async for row in connection.cursor(_ENTRIES):
            while head is not None and head["size"] <= row["sealed_seq"]:
                yield _line({"kind": "head", **_head(head, log).as_json()})
                head = next(pending, None)
            yield _line({"kind": "entry", "seq": row["sealed_seq"], "leaf": row["leaf_hash"].hex(), "entry": entry_of(row)})
        while head is not None:
            yield _line({"kind": "head", **_head(head, log).as_json()})
            head = next(pending, None)


async def export_subject(
    connection: "asyncpg.Connection[Any]", log: str, subject_type: str, subject_id: str, anchors: Iterable[Head] = ()
) -> AsyncGenerator[str, None]:
    """The lines of a partial export. Raises LookupError if nothing is sealed yet, ValueError if a sealed entry is missing."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        heads = await connection.fetch(_HEADS)
        if not heads:
            raise LookupError("no entry is sealed yet")
        last = _head(heads[-1], log)
        leaves = await connection.fetch("SELECT leaf_hash FROM audit_entry WHERE sealed_seq < $1 ORDER BY sealed_seq", last.size)
        if len(leaves) != last.size:
            raise ValueError("sealed entries are missing: export and verify the whole log")
        tree = Tree(row["leaf_hash"] for row in leaves)
        yield _line({"kind": "log", "format": FORMAT, "log": log, "whole": False})
        yield _line({"kind": "head", **last.as_json()})
        for anchor in anchors:
            if 0 < anchor.size <= last.size:
                yield _line({"kind": "consistency", "size": anchor.size, "proof": _hex(tree.consistency(anchor.size, last.size))})
        async for row in connection.cursor(_ENTRIES_OF, subject_type, subject_id, last.size):
            proof = _hex(tree.inclusion(row["sealed_seq"], last.size))
            yield _line({"kind": "entry", "seq": row["sealed_seq"], "entry": entry_of(row), "proof": proof})


def _head(row: "asyncpg.Record", log: str) -> Head:
    return Head(log, row["size"], row["root"], row["at"], row["public_key"], row["signature"])


def _hex(hashes: Iterable[bytes]) -> list[str]:
    return [one.hex() for one in hashes]


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
