"""One customer by id, and one page of a worklist: with authentication, row scope, masking and audit, for us and for the peer.

The worklist is read in a bank of 10,000 and in one of a million customers (an open task each), by an RM with 500 and by one with
more than 50,000 tasks, whose page 1,000 is set beside page 1.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from guanxi_common.ids import new_id
from guanxi_common.security.audit.repository import audited_read
from guanxi_common.security.principal import AuditContext, Purpose

from tests.load import peers
from tests.load.measure import Contender, Figures, Row, row, take_turns
from tests.load.read_peers import create_read_peer
from tests.load.stand import Stand, another_engagement

READS, PAGES = 1_600, 160
SMALL, LARGE = 10_000, 1_000_000
TASKS_OF_RM, TASKS_OF_DEEP = 500, 50_200
_START = datetime(2026, 10, 1, tzinfo=UTC)
_BOOK = ["customer_id", "capacity", "valid_from", "valid_to", "staff_id", "outlet_id", "version"]
_CUSTOMER = ["customer_id", "customer_type", "outlet_id", "language", "name", "birth_date", "version"]
_TASK = [
    "id", "customer_id", "task_type", "origin", "reason_code", "reason_en", "reason_zh", "evidence", "priority", "rank_key",
    "owner_id", "outlet_id", "opened_at", "due_at", "zone", "calendar_version", "due_provisional", "state", "standards_version",
]  # fmt: skip
_PAGE = "SELECT * FROM task WHERE state = 'open' AND owner_id = $1 ORDER BY rank_key, id LIMIT 50"
_AUDIT = AuditContext("staff:bench", "bench", Purpose.CUSTOMER_SERVICE, None)


async def measure(stand: Stand) -> list[Row]:
    return [*_profile_rows(await _profile(stand)), *_worklist_rows(await _worklist(stand))]


def _profile_rows(figures: Figures) -> list[Row]:
    job = "Profile by id (token, scope, unsealing, masking, audit)"
    return [row(job, figures, "ORM", "reads/s", 3), row(job, figures, "bare ASGI and driver", "reads/s", 0.5)]


def _worklist_rows(figures: Figures) -> list[Row]:
    return [
        row(f"Worklist, 50 of {TASKS_OF_RM:,} tasks, {LARGE:,} in all", figures, "ORM", "pages/s", 3),
        row("Worklist, the same", figures, "bare ASGI and driver", "pages/s", None),
        row(f"Worklist, {LARGE:,} customers against {SMALL:,}", figures, "ours, small bank", "pages/s", 0.8),
        row(
            f"Worklist of {TASKS_OF_DEEP:,} tasks, page 1,000 against page 1",
            figures,
            "page 1",
            "pages/s",
            0.8,
            ours="page 1,000",
        ),
    ]


async def _profile(stand: Stand) -> Figures:
    headers = stand.headers("rm")
    customer_id = await _register(stand, headers)
    key = await stand.customer.state.edge.parts.keys.get(customer_id)
    peer, engine = create_read_peer(stand.url("customer"), json.loads(stand.issuer.jwks_file.read_bytes()), key)
    pool = await asyncpg.create_pool(stand.url("customer"), min_size=8, max_size=10)
    select = "SELECT * FROM customer JOIN customer_contact ON customer_id = id WHERE id = $1"
    statement, logged = audited_read(select, _AUDIT, ("name",), first_parameter=2)
    bare = peers.bare_app(pool, statement, customer_id, *logged)
    figures = await take_turns(
        {
            "ours": _reading(stand.customer, f"/v1/customers/{customer_id}", READS, headers),
            "ORM": _reading(peer, f"/customers/{customer_id}", READS // 4, headers),
            "bare ASGI and driver": _reading(bare, "/", READS, headers),
        }
    )
    await pool.close()
    await engine.dispose()
    return figures


async def _worklist(stand: Stand) -> Figures:
    rm, deep = stand.headers("rm"), stand.headers("deep")
    await _fill(stand.url("engagement"), stand, LARGE, {stand.rm: TASKS_OF_RM, stand.deep: TASKS_OF_DEEP})
    async with another_engagement(stand, "engagement_small") as small:
        await _fill(stand.url("engagement_small"), stand, SMALL, {stand.rm: TASKS_OF_RM})
        key = await stand.customer.state.edge.parts.keys.create(new_id())
        peer, engine = create_read_peer(stand.url("engagement"), json.loads(stand.issuer.jwks_file.read_bytes()), key)
        pool = await asyncpg.create_pool(stand.url("engagement"), min_size=8, max_size=10)
        statement, logged = audited_read(_PAGE, _AUDIT, ("name",), first_parameter=2, subject="customer_id")
        bare = peers.bare_app(pool, statement, stand.rm, *logged)
        first = "/v1/worklist?limit=50"
        figures = await take_turns(
            {
                "ours": _reading(stand.engagement, first, PAGES, rm),
                "ours, small bank": _reading(small, first, PAGES, rm),
                "ORM": _reading(peer, "/worklist", PAGES // 2, rm),
                "bare ASGI and driver": _reading(bare, "/", PAGES, rm),
                "page 1": _reading(stand.engagement, first, PAGES, deep),
                "page 1,000": _reading(stand.engagement, await _page_1000(stand, deep), PAGES, deep),
            }
        )
        await pool.close()
        await engine.dispose()
    return figures


def _reading(app: peers.App, path: str, total: int, headers: dict[str, str]) -> Contender:
    return lambda: peers.concurrently(lambda: peers.call(app, "GET", path, headers), total)


async def _register(stand: Stand, headers: dict[str, str]) -> UUID:
    body = {
        "reference": {"source": "core", "customer_number": "1"},
        "customer_type": "individual",
        "name": "王伟",
        "outlet_id": str(stand.outlet),
        "identity_document": {"kind": "resident_id", "number": "11010519491231002X"},
        "phones": ["+86 139 1234 5678"],
        "address": "北京市朝阳区建国路 1 号",
    }
    answer = await peers.call(
        stand.customer, "POST", "/v1/customers", {**headers, "Idempotency-Key": "1"}, msgspec.json.encode(body)
    )
    return UUID(msgspec.json.decode(answer)["id"])


async def _fill(url: str, stand: Stand, customers: int, owned: dict[UUID, int]) -> None:
    """`customers` with an open task each. Those in `owned` have so many of them, spread evenly over the whole order."""
    ids, owners = [new_id() for _ in range(customers)], _owners(customers, owned)
    outlets = {owner: stand.outlet if owner in owned else new_id() for owner in set(owners)}
    kept = [(one, owner, outlets[owner]) for one, owner in zip(ids, owners, strict=True)]
    tables: dict[str, tuple[list[str], Iterator[tuple[Any, ...]]]] = {
        "customer": (_CUSTOMER, ((one, "individual", outlet, "zh-CN", "王伟", None, 1) for one, _, outlet in kept)),
        "book_assignment": (_BOOK, ((one, "primary_rm", _START, None, owner, outlet, 1) for one, owner, outlet in kept)),
        "task": (_TASK, (_task(*one, rank) for rank, one in enumerate(kept))),
    }
    connection = await asyncpg.connect(url)
    for table, (columns, rows) in tables.items():
        await connection.copy_records_to_table(table, records=rows, columns=columns)
    await connection.execute("VACUUM ANALYZE", timeout=600)
    await connection.close()


def _owners(customers: int, owned: dict[UUID, int]) -> list[UUID]:
    others = [new_id() for _ in range(customers // 500)]
    owners = [others[position % len(others)] for position in range(customers)]
    for shift, (owner, number) in enumerate(owned.items()):
        for turn in range(number):
            owners[turn * customers // number + shift] = owner
    return owners


def _task(customer: UUID, owner: UUID, outlet: UUID, rank: int) -> tuple[Any, ...]:
    task, opened = new_id(), _START + timedelta(seconds=rank)
    return (
        task, customer, "signal_follow_up", f"signal:{task}", "large_outflow", "Much left.", "大额流出。", "{}", 20, rank + 1, owner,
        outlet, opened, opened, "Asia/Shanghai", "x", False, "open", 1,
    )  # fmt: skip


async def _page_1000(stand: Stand, headers: dict[str, str]) -> str:
    """The path of the page behind 999 pages of 50, found by reading on."""
    cursor, left = "", 999 * 50
    while left:
        step = min(left, 100)
        page = msgspec.json.decode(await peers.call(stand.engagement, "GET", f"/v1/worklist?limit={step}{cursor}", headers))
        cursor, left = f"&cursor={page['next_cursor']}", left - step
    return f"/v1/worklist?limit=50{cursor}"
