"""The book out of the table and back: copied out, built anew beside it, and put in its place in one short lock.

A scorer shares the book from its first read to its commit (`scores.repository.share_book`), and the exchange takes it alone. What a
scorer wrote while a run is under way it has told in `score_touched`, in the same transaction; the exchange takes those rows from the old
table. So the new table holds for every customer what the run made of the latest row, or the later row itself.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from typing import Final

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.messaging.failures import sqlstate_of

from scoring_svc.runs.binary_copy import HEADER, TRAILER, ColumnReader
from scoring_svc.runs.book import Book, book_of
from scoring_svc.runs.rows import COPY_OUT, NEWS, PLAIN, READ_FIELDS, WRITTEN

LOCK_TIMEOUT: Final = "500ms"
ATTEMPTS: Final = 40
"""Twenty seconds of trying at most, half a second of which anybody waits for us."""
VACUUM_TIMEOUT: Final = "10s"
INDEX_MEMORY: Final = "256MB"
_HELD: Final = frozenset({"55P03", "40P01"})
"""SQLSTATE: lock not available, deadlock detected."""
_INDEX: Final = re.compile(r"^CREATE (?P<unique>UNIQUE )?INDEX (?P<name>\S+) ON \S+ (?P<rest>USING .*)$")


async def read_book(uow: UnitOfWork) -> Book:
    """Every row, as of now; from now on `score_touched` names whoever is scored beside us.

    Vacuum is kept from the table to the end: it gives way to who waits for a second, and the exchange does not wait so long.
    """
    await uow.driver.execute(f"SET LOCAL lock_timeout = '{VACUUM_TIMEOUT}'")
    await uow.driver.execute("LOCK TABLE score IN SHARE UPDATE EXCLUSIVE MODE")
    # Whoever began before the run was under way has not told us: wait until they are done, and let the book go again.
    await uow.driver.execute("SAVEPOINT barrier")
    await uow.driver.execute("SELECT pg_advisory_xact_lock(hashtextextended('score book', 0))")
    await uow.driver.execute("ROLLBACK TO SAVEPOINT barrier")
    await uow.driver.execute("DELETE FROM score_touched")
    reader = ColumnReader(READ_FIELDS)
    await uow.driver.copy_from_query(COPY_OUT, output=reader.feed, format="binary")
    return book_of(reader.finish())


async def build(uow: UnitOfWork, rows: AsyncIterator[bytes], *, all_plain: bool) -> None:
    """The table `score_next`, of the rows given and of those that are not plain, if there are any, with the indexes of `score`."""
    await uow.driver.execute("CREATE TABLE score_next (LIKE score INCLUDING ALL EXCLUDING INDEXES)")
    await copy_in(uow, "score_next", WRITTEN, rows)
    if not all_plain:
        await uow.driver.execute(f"INSERT INTO score_next SELECT * FROM score WHERE NOT {PLAIN}")  # noqa: S608  # constants
    # A row that has ceased to be plain since it was read came twice. Whoever changed it has said so.
    await uow.driver.execute("DELETE FROM score_next WHERE customer_id IN (SELECT customer_id FROM score_touched)")
    await uow.driver.execute(f"SET LOCAL maintenance_work_mem = '{INDEX_MEMORY}'")
    for name, unique, rest in await _indexes(uow):
        await uow.driver.execute(f"CREATE {unique}INDEX {_next(name)} ON score_next {rest}")
        if unique:
            await uow.driver.execute(f"ALTER TABLE score_next ADD CONSTRAINT {_next(name)} PRIMARY KEY USING INDEX {_next(name)}")


async def copy_in(uow: UnitOfWork, table: str, columns: Sequence[str], rows: AsyncIterator[bytes]) -> None:
    async def source() -> AsyncIterator[bytes]:
        yield HEADER
        async for piece in rows:
            yield piece
        yield TRAILER

    await uow.driver.copy_to_table(table, source=source(), columns=list(columns), format="binary")


async def copy_news_in(uow: UnitOfWork, rows: AsyncIterator[bytes]) -> None:
    await copy_in(uow, "score_news", NEWS, rows)


async def take_alone(uow: UnitOfWork) -> None:
    """Lock the book to the end of the transaction. Raises the last lock time-out: somebody reads for very long."""
    for attempt in range(ATTEMPTS):
        await uow.driver.execute("SAVEPOINT alone")
        await uow.driver.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        try:
            await uow.driver.execute("SELECT pg_advisory_xact_lock(hashtextextended('score book', 0))")
            await uow.driver.execute("LOCK TABLE score IN ACCESS EXCLUSIVE MODE")
        except Exception as error:
            if sqlstate_of(error) not in _HELD or attempt == ATTEMPTS - 1:
                raise
            await uow.driver.execute("ROLLBACK TO SAVEPOINT alone")
            await asyncio.sleep(0.05 * (attempt + 1) if attempt < 10 else 0.5)
        else:
            await uow.driver.execute("RELEASE SAVEPOINT alone")
            return


async def exchange(uow: UnitOfWork) -> int:
    """Put `score_next` in the place of `score`, which must be locked; returns how many customers were scored beside us."""
    touched = await uow.driver.fetchval("SELECT count(DISTINCT customer_id) FROM score_touched")
    if touched:
        beside = "customer_id IN (SELECT customer_id FROM score_touched)"
        for table in ("score_next", "score_news"):
            await uow.driver.execute(f"DELETE FROM {table} WHERE {beside}")  # noqa: S608  # constants
        await uow.driver.execute(f"INSERT INTO score_next SELECT * FROM score WHERE {beside}")  # noqa: S608  # constants
    names = [name for name, _, _ in await _indexes(uow)]
    await uow.driver.execute("DROP TABLE score")
    await uow.driver.execute("ALTER TABLE score_next RENAME TO score")
    for name in names:
        await uow.driver.execute(f"ALTER INDEX {_next(name)} RENAME TO {name}")
    return int(touched)


async def _indexes(uow: UnitOfWork) -> list[tuple[str, str, str]]:
    """Of `score`: name, `UNIQUE ` for the primary key, else nothing, and the definition. Names are the house's own, in small letters."""
    rows = await uow.driver.fetch(
        "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = 'score' ORDER BY indexname"
    )
    found = [_INDEX.match(row[0]) for row in rows]
    return [(one["name"], one["unique"] or "", one["rest"]) for one in found if one]


def _next(name: str) -> str:
    return f"next_{name}"
