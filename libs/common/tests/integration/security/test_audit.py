"""The audit log: written with its cause, guarded by the database, sealed once by many, and checked by an outsider."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
from guanxi_common.clock import ManualClock
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.keys.store import DataKey
from guanxi_common.security.audit import repository, sealer
from guanxi_common.security.audit.export import export_log, export_subject
from guanxi_common.security.audit.heads import Head
from guanxi_common.security.audit.sealer import AuditSealer
from guanxi_common.security.audit.tables import AUDIT_TABLES, create_audit_guards
from guanxi_common.security.audit.verify import Report, verify
from guanxi_common.security.commands import token, verify_audit
from guanxi_common.security.fields import unseal
from guanxi_common.security.principal import AuditContext, Purpose
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from typer import Typer
from typer.testing import CliRunner, Result

pytestmark = pytest.mark.anyio

LOG = "customer-svc"
SEED = bytes(range(32))
AUDIT = AuditContext("staff:7", "readCustomer", Purpose.CUSTOMER_SERVICE, "req-1")
KEY = DataKey(UUID(int=1), "aes-256-gcm", b"k" * 32)


@pytest.fixture
async def database(empty_database: str) -> AsyncIterator[Database]:
    engine = create_async_engine(empty_database.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        await connection.run_sync(AUDIT_TABLES[0].metadata.create_all, tables=list(AUDIT_TABLES))
        statements: list[str] = []
        create_audit_guards(type("Op", (), {"execute": staticmethod(statements.append)}))
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()
    database = Database(create_engine(empty_database, pool_size=4))
    yield database
    await database.dispose()


@pytest.fixture
def sealing(database: Database) -> AuditSealer:
    return AuditSealer(database, LOG, SEED, ManualClock(datetime(2026, 11, 23, 8, tzinfo=UTC)))


async def write(database: Database, count: int, subject: UUID | None = None) -> None:
    async with database.transaction() as uow:
        for _ in range(count):
            await repository.record(uow, AUDIT, subject or uuid4(), ("name", "phones"))
        await uow.commit()


async def unguarded(database: Database, statement: str) -> None:
    """What someone who owns the tables can do."""
    async with database.transaction() as uow:
        await uow.driver.execute("ALTER TABLE audit_entry DISABLE TRIGGER USER; ALTER TABLE audit_head DISABLE TRIGGER USER")
        await uow.driver.execute(statement)
        await uow.driver.execute("ALTER TABLE audit_entry ENABLE TRIGGER USER; ALTER TABLE audit_head ENABLE TRIGGER USER")
        await uow.commit()


async def exported(database: Database) -> list[str]:
    async with database.transaction() as uow:
        await uow.driver.execute("COMMIT")
        return [line async for line in export_log(uow.driver, LOG)]


async def check(database: Database, *anchors: Head) -> Report:
    return verify(await exported(database), anchors=anchors)


async def test_an_entry_tells_who_what_and_why_and_seals_the_reason(database: Database) -> None:
    customer = uuid4()
    async with database.transaction() as uow:
        await repository.record(uow, AUDIT, customer, ("identity_document",), reason=repository.Reason("开户核对", KEY))
        row = await uow.driver.fetchrow("SELECT * FROM audit_entry")
        assert row is not None
        assert (row["actor"], row["action"], row["purpose"]) == ("staff:7", "readCustomer", "customer_service")
        assert (row["subject_type"], row["subject_id"]) == ("customer", str(customer))
        assert (row["fields"], row["request_id"], row["sealed_seq"]) == (["identity_document"], "req-1", None)
        assert unseal(row["reason"], KEY, repository.reason_place(customer)) == "开户核对"


async def test_the_age_of_what_is_not_sealed_is_reported(database: Database) -> None:
    late = AuditSealer(database, LOG, SEED, ManualClock(datetime.now(UTC) + timedelta(hours=2)))
    await write(database, 2)
    ages = []
    for _ in range(2):
        await late.seal_all()
        ages.append(REGISTRY.get_sample_value("guanxi_audit_unsealed_seconds"))
    assert ages[0] == pytest.approx(7200, abs=600)
    assert ages[1] == 0


async def test_an_entry_is_rolled_back_with_its_cause(database: Database) -> None:
    async with database.transaction() as uow:
        await repository.record(uow, AUDIT, uuid4(), ("name",))
    async with database.transaction() as uow:
        assert await uow.driver.fetchval("SELECT count(*) FROM audit_entry") == 0


async def test_a_list_is_one_statement_with_an_entry_each(database: Database) -> None:
    customers = [uuid4() for _ in range(3)]
    async with database.transaction() as uow:
        await repository.record_many(uow, AUDIT, customers, ("name",))
        await repository.record_many(uow, AUDIT, [], ("name",))
        rows = await uow.driver.fetch("SELECT subject_id FROM audit_entry")
    assert {row[0] for row in rows} == {str(customer) for customer in customers}


async def test_a_hot_read_and_its_audit_are_one_statement(database: Database) -> None:
    first, second = uuid4(), uuid4()
    select = "SELECT * FROM (VALUES ($1::uuid, '李雷'), ($2::uuid, '韩梅梅')) AS customer (id, name) WHERE name = $3"
    statement, arguments = repository.audited_read(select, AUDIT, ("name",), first_parameter=4)
    async with database.transaction() as uow:
        found = await uow.driver.fetch(statement, first, second, "韩梅梅", *arguments)
        missed = await uow.driver.fetch(statement, first, second, "nobody", *arguments)
        logged = await uow.driver.fetch("SELECT subject_id, fields, request_id FROM audit_entry")
    assert [tuple(row) for row in found] == [(second, "韩梅梅")]
    assert missed == []
    assert [tuple(row) for row in logged] == [(str(second), ["name"], "req-1")]


FORBIDDEN = [
    "UPDATE audit_entry SET actor = 'staff:8'",
    "UPDATE audit_entry SET fields = '{}'",
    "UPDATE audit_entry SET reason = 'x', sealed_seq = 99, leaf_hash = 'x'",
    "UPDATE audit_entry SET sealed_seq = NULL, leaf_hash = NULL WHERE sealed_seq IS NOT NULL",
    "UPDATE audit_entry SET sealed_seq = 99 WHERE sealed_seq = 0",
    "DELETE FROM audit_entry",
    "TRUNCATE audit_entry",
    "UPDATE audit_head SET size = 99",
    "DELETE FROM audit_head",
    "TRUNCATE audit_head",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_the_database_refuses_changes(database: Database, sealing: AuditSealer, statement: str) -> None:
    await write(database, 2)
    await sealing.seal_all()
    await write(database, 1)
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        async with database.transaction() as uow:
            await uow.driver.execute(statement)


async def test_many_sealers_make_one_log(database: Database, sealing: AuditSealer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealer, "BATCH", 7)
    for _ in range(3):
        await asyncio.gather(write(database, 20), *(sealing.seal_all() for _ in range(3)))
    while await sealing.seal_all():
        continue
    report = await check(database)
    assert report.problems == []
    assert report.entries == 60
    assert report.last is not None
    assert report.last.size == 60
    assert await sealing.seal_all() == 0


async def test_an_entry_that_commits_late_is_sealed_late(database: Database, sealing: AuditSealer) -> None:
    async with database.transaction() as late:
        await repository.record(late, AUDIT, uuid4(), ("name",))
        await write(database, 1)
        assert await sealing.seal_all() == 1
        await late.commit()
    assert await sealing.seal_all() == 1
    assert (await check(database)).problems == []


SWAP = """
UPDATE audit_entry SET sealed_seq = CASE sealed_seq WHEN 4 THEN 105 ELSE 104 END WHERE sealed_seq IN (4, 5);
UPDATE audit_entry SET sealed_seq = sealed_seq - 100 WHERE sealed_seq > 100
"""
TAMPERING: dict[str, tuple[str, str]] = {
    "an entry changed": ("UPDATE audit_entry SET actor = 'staff:8' WHERE sealed_seq = 4", "entry 4 was changed"),
    "a reason replaced": ("UPDATE audit_entry SET reason = 'x' WHERE sealed_seq = 4", "entry 4 was changed"),
    "an entry removed": ("DELETE FROM audit_entry WHERE sealed_seq = 4", "entry 4 is missing"),
    "the newest sealed entry removed": ("DELETE FROM audit_entry WHERE sealed_seq = 8", "entries 8 to 8 are missing"),
    "an entry changed with its leaf": (
        "UPDATE audit_entry SET leaf_hash = sha256('x') WHERE sealed_seq = 4",
        "entries 3 to 5 are not those that were signed in the head at size 6",
    ),
    "two entries swapped": (
        SWAP,
        "entries 3 to 5 are not those that were signed in the head at size 6",
    ),
    "an entry moved up": ("UPDATE audit_entry SET sealed_seq = 9 WHERE sealed_seq = 8", "entries 8 to 8 are missing"),
    "a root replaced": ("UPDATE audit_head SET root = sha256('x') WHERE size = 6", "the head at size 6"),
    "a head signed by nobody": ("UPDATE audit_head SET signature = 'x' WHERE size = 6", "signature of the head at size 6"),
}


@pytest.mark.parametrize(("statement", "problem"), TAMPERING.values(), ids=TAMPERING)
async def test_tampering_is_found(database: Database, sealing: AuditSealer, statement: str, problem: str) -> None:
    for _ in range(3):
        await write(database, 3)
        await sealing.seal_all()
    assert (await check(database)).problems == []
    await unguarded(database, statement)
    assert any(problem in found for found in (await check(database)).problems)


async def test_a_truncated_log_is_found_by_whoever_kept_a_head(database: Database, sealing: AuditSealer) -> None:
    for _ in range(2):
        await write(database, 3)
        await sealing.seal_all()
    anchor = (await check(database)).last
    assert anchor is not None
    assert (await check(database, anchor)).problems == []
    await unguarded(database, "DELETE FROM audit_entry WHERE sealed_seq >= 3; DELETE FROM audit_head WHERE size > 3")
    assert (await check(database)).problems == []  # what the log alone cannot show
    assert (await check(database, anchor)).problems == ["the log ends at 3 entries, but a head of 6 entries was known before"]


async def test_a_log_written_anew_with_the_key_is_found_by_whoever_kept_a_head(database: Database, sealing: AuditSealer) -> None:
    await write(database, 3)
    await sealing.seal_all()
    anchor = (await check(database)).last
    assert anchor is not None
    await unguarded(
        database, "DELETE FROM audit_head; UPDATE audit_entry SET actor = 'staff:8', sealed_seq = NULL, leaf_hash = NULL"
    )
    await sealing.seal_all()
    assert (await check(database)).problems == []
    assert (await check(database, anchor)).problems == ["the first 3 entries are not those of the head that was known before"]


async def test_a_foreign_key_is_told_from_the_signers(database: Database, sealing: AuditSealer) -> None:
    await write(database, 1)
    await sealing.seal_all()
    lines = await exported(database)
    signer = verify(lines).public_keys
    assert verify(lines, public_keys=[bytes.fromhex(key) for key in signer]).problems == []
    assert "not the given one" in verify(lines, public_keys=[b"x" * 32]).problems[0]


async def test_one_customers_entries_are_proven_alone(database: Database, sealing: AuditSealer) -> None:
    customer = uuid4()
    await write(database, 5)
    await sealing.seal_all()
    anchor = (await check(database)).last
    assert anchor is not None
    await write(database, 2, customer)
    await write(database, 4)
    await sealing.seal_all()
    async with database.transaction() as uow:
        await uow.driver.execute("COMMIT")
        lines = [line async for line in export_subject(uow.driver, LOG, "customer", str(customer), [anchor])]
    report = verify(lines, anchors=[anchor])
    assert (report.problems, report.entries) == ([], 2)
    forged = [line.replace("staff:7", "staff:8") for line in lines]
    assert verify(forged, anchors=[anchor]).problems == ["entry 5 is not in the signed log", "entry 6 is not in the signed log"]
    without = [line for line in lines if '"consistency"' not in line]
    assert "nothing shows" in verify(without, anchors=[anchor]).problems[0]
    other = Head.of_json({**anchor.as_json(), "root": "00" * 32})
    assert "does not go on" in verify(lines, anchors=[other]).problems[0]


@pytest.mark.parametrize(
    "lines", [[], ["not json"], ["[]"], ['{"whole": true}'], ['{"whole": true, "log": "x"}', '{"kind": "entry"}']]
)
def test_what_is_no_export_is_a_problem(lines: list[str]) -> None:
    assert verify(lines).problems


async def test_the_commands(database: Database, sealing: AuditSealer, empty_database: str, tmp_path: Path) -> None:
    await write(database, 3)
    await sealing.seal_all()
    app = Typer()
    app.command()(token)
    app.command()(verify_audit)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments)

    file, head = tmp_path / "log.jsonl", tmp_path / "head.json"
    options = ("--database", empty_database, "--export", str(file), "--write-head", str(head))
    first = await asyncio.to_thread(run, "verify-audit", *options)
    assert first.exit_code == 0, first.output
    assert json.loads(head.read_text())["size"] == 3
    again = await asyncio.to_thread(run, "verify-audit", "--export", str(file), "--anchor", str(head))
    assert "the log holds: 3 entries, 1 heads" in again.output
    file.write_text(file.read_text().replace("staff:7", "staff:8", 1))
    tampered = await asyncio.to_thread(run, "verify-audit", "--export", str(file))
    assert tampered.exit_code == 1
    assert "entry 0 was changed" in tampered.output
