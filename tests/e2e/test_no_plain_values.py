"""R9: after a run through all processes, personal values stand in no file in the clear but in the services' own tables.

Identity numbers, phones, e-mail and addresses: nowhere at all. Names, birth dates and what a contact was about: only in the tables of
the services (and in the journal of the server that keeps them), so in no topic, log or trace.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from guanxi_common.http.client import ApiError
from guanxi_common.ids import new_id
from guanxi_testing.bank import Bank
from guanxi_testing.deployment import RunningDeployment
from guanxi_testing.eventually import eventually

pytestmark = pytest.mark.anyio

IDENTITY, PHONE, EMAIL, ADDRESS = "110105198706054321", "+8613987650123", "jiuge@ouyang.example", "敦煌市鸣沙山路八百九十九号"
OTHER_IDENTITY = "110105198706054322"
NAME, BIRTH_DATE, CONTENT, REASON = "欧阳九歌", "1987-06-05", "客户谈及敦煌旧宅出售", "核对九歌女士的身份证件"
NOWHERE = (IDENTITY, OTHER_IDENTITY, PHONE, PHONE.removeprefix("+86"), EMAIL, ADDRESS, REASON)
IN_TABLES_ONLY = (NAME, BIRTH_DATE, CONTENT)
SERVICES = ("customer", "engagement", "scoring")


async def test_no_file_holds_a_personal_value_in_the_clear(bank: Bank, deployment: RunningDeployment) -> None:
    await live_a_little(bank)
    cluster = Path(await fetch_one(deployment.admin_url, "SHOW data_directory"))
    await execute(deployment.admin_url, "CHECKPOINT")
    own = [
        str(await fetch_one(deployment.database_url(name), "SELECT oid FROM pg_database WHERE datname = current_database()"))
        for name in SERVICES
    ]
    tables = [cluster / "base" / oid for oid in own] + [cluster / "pg_wal"]

    folders = [deployment.home] if cluster.is_relative_to(deployment.home) else [deployment.home, cluster]
    if deployment.kafka is not None:
        folders.append(deployment.kafka.folder)
    found = [one for folder in folders for one in holding(folder, NOWHERE + IN_TABLES_ONLY)]
    in_tables = {
        (path, value) for path, value in found if value in IN_TABLES_ONLY and any(path.is_relative_to(t) for t in tables)
    }
    assert [one for one in found if one not in in_tables] == []
    assert any(value == NAME for _, value in in_tables), "the search finds nothing at all"


async def test_nothing_that_leaves_the_tables_holds_a_name(bank: Bank, deployment: RunningDeployment) -> None:
    """Outbox, stored answers and audit lie in the same files as the tables, so they are asked one by one."""
    await live_a_little(bank, OTHER_IDENTITY)
    for service in SERVICES:
        for table in ("outbox", "inbox_parked", "dead_letter", "idempotency_answer", "audit_entry"):
            rows = await fetch_one(deployment.database_url(service), f"SELECT count(*) FROM {table}")  # noqa: S608  # our own names
            # `to_jsonb` writes bytes in hexadecimal.
            for value in NOWHERE + IN_TABLES_ONLY:
                held = await fetch_one(
                    deployment.database_url(service),
                    f"SELECT count(*) FROM {table} AS t WHERE strpos(to_jsonb(t)::text, $1) + strpos(to_jsonb(t)::text, $2) > 0",  # noqa: S608
                    value,
                    value.encode().hex(),
                )
                assert held == 0, f"{service}.{table}: {held} of {rows} rows hold a plain value"


async def live_a_little(bank: Bank, identity: str = IDENTITY) -> None:
    """Register, read, reveal, search, change, post and contact, with good requests and bad ones."""
    outlet = await bank.add_outlet()
    rm = await bank.add_staff("relationship_manager", outlet)
    number = uuid4().hex[:12]
    body: dict[str, Any] = {
        "reference": {"source": bank.source, "customer_number": number},
        "customer_type": "individual",
        "name": NAME,
        "outlet_id": outlet,
        "identity_document": {"kind": "foreign_id", "number": identity},
        "phones": [PHONE],
        "email": EMAIL,
        "address": ADDRESS,
        "birth_date": BIRTH_DATE,
    }
    mine = bank.api("customer", rm.subject)
    customer_id = (await mine.post("/v1/customers", body, key=new_id()))["id"]
    assert (await mine.get(f"/v1/customers/{customer_id}"))["contact"]["phones"] == [PHONE]
    revealed = await mine.post(f"/v1/customers/{customer_id}:reveal", {"reason": REASON})
    assert revealed["identity_document"]["number"] == identity
    for criterion in ({"name": NAME}, {"phone": PHONE}, {"email": EMAIL}, {"identity_document": body["identity_document"]}):
        assert [one["id"] for one in (await mine.post("/v1/customers:search", criterion))["data"]].count(customer_id) == 1
    await try_bad_requests(bank, rm.subject, body)
    await bank.open_accounts([number])
    assert await bank.post([bank.posting(number, "T-1", date(2026, 11, 2), -12_500, "card")]) == ["created"]

    async def contact_recorded() -> bool:
        contact = {
            "customer_id": customer_id,
            "method": "phone",
            "purpose": "care",
            "occurred_at": datetime.now(UTC).isoformat(),
            "content": CONTENT,
            "result": "reached_positive",
        }
        try:
            await bank.api("engagement", rm.subject).post("/v1/interactions", contact, key=new_id())
        except ApiError as error:
            if error.status not in (403, 404):
                raise
            return False  # the customer, or the RM, has not arrived yet
        return True

    await eventually(contact_recorded, timeout=60, every=0.1)


async def try_bad_requests(bank: Bank, subject: str, body: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {bank.deployment.issuer.issue(subject)}", "Idempotency-Key": str(uuid4())}
    http = bank.http["customer"]
    for bad in ({**body, IDENTITY: 1}, {**body, "sex": IDENTITY}, {**body, "name": f"{NAME}\n{{}}"}):
        assert (await http.post("/v1/customers", json=bad, headers=headers)).status_code == httpx.codes.UNPROCESSABLE_ENTITY
    taken = await http.post("/v1/customers", json=body, headers=headers)
    assert taken.status_code == httpx.codes.CONFLICT


def holding(folder: Path, values: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    """(file, value) for every file below `folder` that holds a value as UTF-8 or UTF-16."""
    patterns = [(value, value.encode(coding)) for value in values for coding in ("utf-8", "utf-16-le", "utf-16-be")]
    for path in sorted(folder.rglob("*")):
        content = _read(path)
        yield from ((path, value) for value, pattern in patterns if pattern in content)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.is_file() else b""
    except FileNotFoundError:  # the server has just removed it
        return b""


async def fetch_one(url: str, query: str, *arguments: Any) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query, *arguments)
    finally:
        await connection.close()


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
