"""`make bench`: run the sections named (all without a name) and write docs/benchmarks.md; a section not run keeps its figures."""

import asyncio
import json
import logging
import platform
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from os import cpu_count, getloadavg
from pathlib import Path

from tests.load.measure import Row

ROOT = Path(__file__).parents[2]
REPORT, FIGURES = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "benchmarks.json"
HEAD = """# Benchmarks

Written by `make bench`. Every line was measured in one run beside the peer a user would take instead, or the limit of what the machine
and the database give; the contenders took turns. Machines drift by a factor of two and more, so **only the ratios count**: median
(least – greatest of the rounds). Requests are called straight into the application, for us and for the peers alike, so that an HTTP
client does not dilute the comparison; PostgreSQL runs with fsync.

"""


NOTES = {
    "reads": """What each contender does for a request, on the same tables and indexes with the same rows, eight requests at a time:

- **ours**: the whole application. Token (verified once a minute, then known by its hash), caller from the directory (kept for a second),
  rate, permission, one statement for select, row scope and audit entries, fields opened under the customer's cached data key, masking,
  ETag, metrics and request id. The bench raises the rate limits, which are counted as ever; access logs are off for all contenders.
- **ORM**: FastAPI, an SQLAlchemy ORM session and pydantic answers, as usually written: verifies the token with the same library on every
  request, loads the member of staff with the role, reads under the scope by joins, adds an audit row for each customer shown and commits,
  opens the fields with a key it need not look up, masks. It has no rate limits, metrics, request ids, ETag or cursor.
- **bare ASGI and driver**: one select with its audit entries as one statement on an asyncpg pool, and msgspec. No token, caller, scope,
  opening, masking or answer model: the limit of what this database and language give. Every contender waits for its commit.

A worklist page writes fifty audit entries, one for each customer shown.
""",
    "book": """A book run from the queued run to the exchanged table: columns out by binary COPY, BG/NBD fitted, bands frozen, every
customer scored by the rules, rows into a new table by binary COPY, its indexes, exchange, commit. All million are plain and of the day;
see [ADR 29](adr/0029-whole-book-in-columns.md) for those who are not.

- **bare COPY**: the same columns out as bytes, the same bytes into a new table, the same two indexes, commit: no figure is looked at.
- **lifetimes and ORM**: on a sample of 20,000, whose rate is taken for that of a million: ORM objects read, `lifetimes` fitted and asked,
  pandas for the quintiles, the rules one by one, changes flushed by the ORM. Neither stores reasons and texts: the columns give them.
""",
}


async def intake(folder: Path) -> list[Row]:
    from tests.load import intake as section
    from tests.load.stand import stand

    async with stand(folder) as built:
        return await section.measure(built)


async def fold(folder: Path) -> list[Row]:
    from tests.load import fold as section
    from tests.load import fold_kafka
    from tests.load.stand import stand

    async with stand(folder) as built:
        return [*await section.measure(built), *await fold_kafka.measure(built, folder)]


async def reads(folder: Path) -> list[Row]:
    from tests.load import reads as section
    from tests.load.stand import stand

    async with stand(folder) as built:
        return await section.measure(built)


async def latency(folder: Path) -> list[Row]:
    from tests.load import latency as section

    return await section.measure(folder)


async def models(_: Path) -> list[Row]:
    from tests.load import models as section

    return await section.measure()


async def book(folder: Path) -> list[Row]:
    from tests.load import book as section

    return await section.measure(folder)


SECTIONS: dict[str, Callable[[Path], Awaitable[list[Row]]]] = {
    "intake": intake,
    "fold": fold,
    "reads": reads,
    "latency": latency,
    "models": models,
    "book": book,
}


def main() -> None:
    chosen = sys.argv[1:] or list(SECTIONS)
    logging.disable(logging.WARNING)
    kept = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    for name in chosen:
        print(f"measuring {name} …", flush=True)  # noqa: T201  # a command
        with tempfile.TemporaryDirectory(prefix="guanxi-bench-") as folder:
            Path(folder).chmod(0o755)
            rows = asyncio.run(SECTIONS[name](Path(folder)))
        when = datetime.now(UTC).strftime("%Y-%m-%d")
        kept[name] = {"date": when, "machine": machine(), "rows": [asdict(row) for row in rows]}
        for row in rows:
            print(f"  {row.path}: {row.figure}; {row.ratio[0]:.2f}× {row.against}", flush=True)  # noqa: T201
        FIGURES.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
        REPORT.write_text(report(kept))


def machine() -> str:
    """What was measured on; the load average tells how much else ran meanwhile (one contender alone makes about 1.5)."""
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, PostgreSQL 18.6"
    return f"{cpu_count()} cores, {system}, load average {getloadavg()[1]:.0f}"


def report(kept: dict[str, dict[str, object]]) -> str:
    text = HEAD
    for name in SECTIONS:
        if name not in kept:
            continue
        section = kept[name]
        text += f"## {name.capitalize()}\n\n{section['date']}, {section['machine']}.\n\n"
        text += "| Path | Median figures | Against | Ratio | Target | Met |\n|---|---|---|---|---|---|\n"
        for row in section["rows"]:  # type: ignore[attr-defined]
            middle, least, most = row["ratio"]
            met = {True: "yes", False: "**no**", None: "–"}[row["met"]]
            ratio = f"{middle:.2f}× ({least:.2f} – {most:.2f})"
            text += f"| {row['path']} | {row['figure']} | {row['against']} | {ratio} | {row['target']} | {met} |\n"
        text += f"\n{NOTES[name]}\n" if name in NOTES else "\n"
    return text


if __name__ == "__main__":
    main()
