"""A member of a group, to be killed or frozen by a test: `bus_member.py kind address group topic`.

Says, one JSON object per line: `assigned` (partitions) when that changes, `records` (values) as they come. Obeys `hold` (stop
polling and wait for the next command; says `held`) and `commit` (all positions it had when held; says `committed` or `fenced`).
"""

import asyncio
import json
import sys
from typing import Any

import structlog
from guanxi_common.messaging.bus import CommitFenced, Consumer
from guanxi_common.messaging.buses import open_bus


def say(event: str, **what: Any) -> None:
    sys.stdout.write(json.dumps({"event": event, **what}) + "\n")
    sys.stdout.flush()


async def commands() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def obey(consumer: Consumer, reader: asyncio.StreamReader) -> None:
    positions = {at: await consumer.position(at) for at in consumer.assignment()}
    say("held", partitions=len(positions))
    await reader.readline()
    try:
        await consumer.commit(positions)
        say("committed")
    except CommitFenced:
        say("fenced")


async def main(kind: str, address: str, group: str, topic: str) -> None:
    kafka, embedded = (address, None) if kind == "kafka" else (None, address)
    bus = await open_bus(kafka_bootstrap_servers=kafka, bus_database_url=embedded)
    consumer = await bus.consumer(group=group, topics=[topic])
    reader = await commands()
    command = asyncio.create_task(reader.readline())
    assigned = -1
    while True:
        batch = await consumer.poll(max_records=500, timeout=0.1)
        if len(consumer.assignment()) != assigned:
            assigned = len(consumer.assignment())
            say("assigned", partitions=assigned)
        if batch:
            say("records", values=[record.value.decode() for records in batch.values() for record in records if record.value])
        if command.done():
            await obey(consumer, reader)
            command = asyncio.create_task(reader.readline())


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(main(*sys.argv[1:]))
