"""7.12: every kind of connection to PostgreSQL obeys `sslmode` and the files that its address names. One server for all of it."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from guanxi_common.clock import SystemClock
from guanxi_common.db import alembic_env
from guanxi_common.db.metadata import CommonBase
from guanxi_common.db.uow import Database, create_engine
from guanxi_common.keys.database import DatabaseKeyStore
from guanxi_common.keys.wrapping import LocalKeyWrapper
from guanxi_common.messaging.bus import BusUnavailable, TopicSpec
from guanxi_common.messaging.embedded import EmbeddedBus
from guanxi_common.messaging.relay import Relay
from guanxi_common.messaging.tables import MESSAGING_TABLES
from guanxi_common.messaging.wakeup import Listener, WakeUp
from guanxi_common.security import commands
from guanxi_common.security.audit.tables import AUDIT_TABLES
from guanxi_testing.certificates import Authority
from guanxi_testing.eventually import eventually
from guanxi_testing.fabric import running
from guanxi_testing.secured_postgres import OWNER, SecuredPostgres, secured_postgres
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def server() -> Iterator[SecuredPostgres]:
    with secured_postgres() as server:
        yield server


Use = Callable[[str], Awaitable[None]]


@asynccontextmanager
async def database_of(url: str) -> AsyncIterator[Database]:
    database = Database(create_engine(url, pool_size=2))
    try:
        yield database
    finally:
        await database.dispose()


async def use_engine(url: str) -> None:
    async with database_of(url) as database, database.transaction(readonly=True) as uow:
        assert await uow.driver.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")


async def use_migrations(url: str) -> None:
    engine = alembic_env._engine(url, lock_timeout=1_000)
    try:
        async with engine.connect() as connection:
            assert (await connection.execute(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))).scalar()
    finally:
        await engine.dispose()


async def use_wakeup(url: str) -> None:
    """The relay's wake-up, sent and heard; both say nothing where they cannot connect, so hearing it is the proof."""
    heard = asyncio.Event()
    sender, listener = WakeUp(url), asyncio.create_task(Listener(url, heard.set).run())
    try:
        async with asyncio.timeout(20):
            await heard.wait()  # it listens now
            heard.clear()
            while not heard.is_set():
                sender.notify()
                await asyncio.wait([asyncio.create_task(heard.wait())], timeout=0.2)
    finally:
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)
        await sender.close()


async def use_relay(url: str) -> None:
    async with database_of(url) as database:
        bus = await EmbeddedBus.open(url)
        async with running(relay := Relay(database, bus)):
            relay.wake()
        await bus.close()


async def use_embedded_log(url: str) -> None:
    bus = await EmbeddedBus.open(url)
    try:
        await bus.ensure_topics([TopicSpec("test.tls", 1)])
        consumer = await bus.consumer(group="tls", topics=["test.tls"])
        await eventually(lambda: _listening(bus))
        await consumer.close()
    finally:
        await bus.close()


async def _listening(bus: EmbeddedBus) -> bool:
    return bus._wakeups.listening


async def use_key_store(url: str) -> None:
    engine = create_engine(url, pool_size=1)
    store = DatabaseKeyStore(Database(engine), LocalKeyWrapper({"1": bytes(32)}), SystemClock())
    await store.create_schema()
    await store.close()


async def use_audit_verifier(url: str, folder: Path) -> None:
    export = folder / "audit.jsonl"
    await commands._write_export(url, "customer-svc", None, [], export)
    assert all(json.loads(line) for line in export.read_text().splitlines())


@pytest.fixture(scope="module")
async def prepared(server: SecuredPostgres) -> SecuredPostgres:
    """With the tables of the outbox and the audit log."""
    async with database_of(server.checked_url()) as database, database.engine.connect() as connection:
        await connection.run_sync(lambda sync: CommonBase.metadata.create_all(sync, tables=[*MESSAGING_TABLES, *AUDIT_TABLES]))
    return server


USES: dict[str, Use] = {
    "engine": use_engine,
    "migrations": use_migrations,
    "wake-up and listener": use_wakeup,
    "relay": use_relay,
    "embedded log": use_embedded_log,
    "key store": use_key_store,
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
async def test_each_kind_of_connection_goes_over_checked_tls(prepared: SecuredPostgres, use: Use) -> None:
    await use(prepared.checked_url())


async def test_the_audit_verifier_does_too(prepared: SecuredPostgres, tmp_path: Path) -> None:
    await use_audit_verifier(prepared.checked_url(), tmp_path)


REFUSED: dict[str, tuple[Callable[[SecuredPostgres, Path], str], type[Exception], str]] = {
    "in plain": (
        lambda server, _: server.url(sslmode="disable"),
        DBAPIError,
        "no encryption",
    ),
    "another authority": (
        lambda server, another: server.url(sslmode="verify-full", sslrootcert=another),
        ssl.SSLCertVerificationError,
        "CERTIFICATE_VERIFY_FAILED",
    ),
    "another authority, the name unasked": (
        lambda server, another: server.url(sslmode="verify-ca", sslrootcert=another),
        ssl.SSLCertVerificationError,
        "CERTIFICATE_VERIFY_FAILED",
    ),
    "another host's name": (
        lambda server, _: server.checked_url().replace("127.0.0.1", "127.0.0.2"),
        ssl.SSLCertVerificationError,
        "127.0.0.2",
    ),
    "no client certificate": (
        lambda server, _: server.checked_url("certified"),
        DBAPIError,
        "certificate",
    ),
    "somebody else's client certificate": (
        lambda server, _: _with_certificate(server, "customer"),
        DBAPIError,
        "authentication failed",
    ),
    "a wrong password": (
        lambda server, _: server.checked_url().replace(":owner@", ":other@"),
        DBAPIError,
        "password",
    ),
}


def _with_certificate(server: SecuredPostgres, name: str) -> str:
    issued = server.authority.issue(name)
    return server.checked_url("certified", sslcert=issued.certificate, sslkey=issued.private_key)


@pytest.mark.parametrize(("url", "error", "reason"), REFUSED.values(), ids=REFUSED)
async def test_a_connection_that_is_not_right_is_refused_with_its_reason(
    prepared: SecuredPostgres, tmp_path: Path, url: Callable[[SecuredPostgres, Path], str], error: type[Exception], reason: str
) -> None:
    another = Authority(tmp_path, "Another authority")
    with pytest.raises(error, match=reason):
        await use_engine(url(prepared, another.ca_file))


async def test_an_expired_certificate_is_refused(prepared: SecuredPostgres) -> None:
    late = prepared.authority.issue("server", expired=True)
    with prepared.certified_by(late), pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        await use_engine(prepared.checked_url())


@pytest.mark.parametrize("use", [use_engine, use_migrations, use_key_store, use_embedded_log])
async def test_no_kind_of_connection_believes_another_authority(prepared: SecuredPostgres, tmp_path: Path, use: Use) -> None:
    url = prepared.url(sslmode="verify-full", sslrootcert=Authority(tmp_path, "Another authority").ca_file)
    with pytest.raises((ssl.SSLCertVerificationError, BusUnavailable), match="CERTIFICATE_VERIFY_FAILED"):
        await use(url)


async def test_a_client_is_known_by_its_certificate(prepared: SecuredPostgres) -> None:
    await use_engine(_with_certificate(prepared, OWNER))


async def test_require_encrypts_without_asking_who_answers(prepared: SecuredPostgres) -> None:
    await use_engine(prepared.url(sslmode="require"))
