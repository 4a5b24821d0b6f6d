"""One customer by id, and one page of a worklist: with authorisation, row scope and audit."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from guanxi_common.ids import new_id

from tests.load import peers
from tests.load.measure import Contender, Row, row, take_turns
from tests.load.stand import Stand

READS, PAGES = 800, 160
CUSTOMERS, TASKS_OF_RM = 100_000, 500


async def measure(stand: Stand) -> list[Row]:
    peer, prepare = peers.create_peer(stand.url("peer"))
    await prepare()
    pool = await asyncpg.create_pool(stand.url("peer"), min_size=8, max_size=10)
    headers = stand.headers("rm")
    customer_id = await _register(stand, headers)
    await pool.execute("INSERT INTO peer_customer VALUES ($1, '王伟', 'individual', 'zh-CN')", customer_id)
    await _fill_worklist(stand, pool)

    def read(app: peers.App, path: str, total: int, headers: dict[str, str] = headers) -> Contender:
        return lambda: peers.concurrently(lambda: peers.call(app, "GET", path, headers), total)

    one_row = peers.bare_app(pool, "SELECT * FROM peer_customer WHERE id = $1", customer_id)
    profile = await take_turns(
        {
            "ours": read(stand.customer, f"/v1/customers/{customer_id}", READS),
            "ORM": read(peer, f"/customers/{customer_id}", READS),
            "bare ASGI and driver": read(one_row, "/", READS),
        }
    )
    page = peers.bare_app(
        pool, "SELECT * FROM peer_task WHERE owner_id = $1 AND rank_key >= 0 ORDER BY rank_key LIMIT 50", stand.rm
    )
    deep = await _deep_page(stand, headers)
    worklist = await take_turns(
        {
            "ours": read(stand.engagement, "/v1/worklist?limit=50", PAGES),
            "deep": read(stand.engagement, deep, PAGES),
            "ORM": read(peer, f"/worklist/{stand.rm}", PAGES),
            "bare ASGI and driver": read(page, "/", PAGES),
        }
    )
    await pool.close()
    return [
        row("Profile by id (scope, masking, audit)", profile, "ORM", "reads/s", 3),
        row("Profile by id (scope, masking, audit)", profile, "bare ASGI and driver", "reads/s", 0.5),
        row(f"Worklist, 50 of {TASKS_OF_RM:,} tasks, {CUSTOMERS:,} in all", worklist, "ORM", "pages/s", 3),
        row("Worklist, first page", worklist, "bare ASGI and driver", "pages/s", None),
        row("Worklist, page 9 against page 1", worklist, "ours", "pages/s", 0.8, ours="deep"),
    ]


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


async def _fill_worklist(stand: Stand, pool: "asyncpg.Pool[Any]") -> None:
    """One open task for each customer; the RM of the bench has `TASKS_OF_RM` of them."""
    start, others = datetime(2026, 11, 1, tzinfo=UTC), [new_id() for _ in range(500)]
    tasks, book, plain = [], [], []
    for position in range(CUSTOMERS):
        owner = stand.rm if position % (CUSTOMERS // TASKS_OF_RM) == 0 else others[position % 500]
        customer, task, rank = new_id(), new_id(), position + 1
        opened = start + timedelta(seconds=position)
        book.append((customer, "primary_rm", start, None, owner, stand.outlet, 1))
        tasks.append(
            (task, customer, "signal_follow_up", f"signal:{task}", "large_outflow", "Much left.", "大额流出。", "{}", 20, rank, owner,
             stand.outlet, opened, opened, "Asia/Shanghai", "x", False, "open", 1)
        )  # fmt: skip
        plain.append((task, owner, customer, rank, "Much left.", "大额流出。"))
    connection = await asyncpg.connect(stand.url("engagement"))
    await connection.copy_records_to_table(
        "book_assignment",
        records=book,
        columns=["customer_id", "capacity", "valid_from", "valid_to", "staff_id", "outlet_id", "version"],
    )
    await connection.copy_records_to_table(
        "task",
        records=tasks,
        columns=[
            "id", "customer_id", "task_type", "origin", "reason_code", "reason_en", "reason_zh", "evidence", "priority", "rank_key",
            "owner_id", "outlet_id", "opened_at", "due_at", "zone", "calendar_version", "due_provisional", "state", "standards_version",
        ],
    )  # fmt: skip
    await connection.execute("ANALYZE")
    await connection.close()
    async with pool.acquire() as peer:
        columns = ["id", "owner_id", "customer_id", "rank_key", "reason_en", "reason_zh"]
        await peer.copy_records_to_table("peer_task", records=plain, columns=columns)
        await peer.execute("ANALYZE")


async def _deep_page(stand: Stand, headers: dict[str, str]) -> str:
    path = "/v1/worklist?limit=100"
    for _ in range(4):
        page = msgspec.json.decode(await peers.call(stand.engagement, "GET", path, headers))
        path = f"/v1/worklist?limit=50&cursor={page['next_cursor']}"
        path = path.replace("limit=50", "limit=100")
    return path.replace("limit=100", "limit=50")
