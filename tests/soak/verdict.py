"""What must hold when the faults have ended; each failure is one line."""

from pathlib import Path

import httpx
from guanxi_common.installation import SERVICES
from guanxi_common.messaging.inbox import unpack
from guanxi_contracts.topics import Topic, load_topics
from guanxi_testing.deployment import RunningDeployment
from guanxi_testing.eventually import eventually

from tests.chaos.test_kills import assert_audit_holds
from tests.chaos.totals import Books
from tests.soak.load import Acknowledged
from tests.soak.strikes import Striker, sent_of

RECOVERY_SECONDS = 240.0


class Verdict:
    """Holds the deployment against what was acknowledged and what was broken on purpose."""

    def __init__(
        self, deployment: RunningDeployment, books: Books, counted: Acknowledged, striker: Striker, folder: Path
    ) -> None:
        self._deployment = deployment
        self._books = books
        self._counted = counted
        self._striker = striker
        self._folder = folder
        self._services = {"customer": books.customer, "engagement": books.engagement, "scoring": books.scoring}

    async def failures(self) -> list[str]:
        """Whatever does not hold, also after a while."""
        found = []
        for name, check in (
            ("the postings are those that were acknowledged", self._postings),
            ("the ledger agrees with them", self._ledger),
            ("each contact was recorded once", self._contacts),
            ("the dead letters are the bad records", self._dead_letters),
            ("the blocked keys are those of the bad rows", self._blocked),
            ("nothing else waits", self._nothing_waits),
            ("no partition stands still and no item is set aside", self._nothing_is_paused),
            ("every part of every process runs", self._healthy),
            ("each acknowledged write has its entry in the audit log", self._audited),
            ("the audit log verifies", self._verifies),
        ):
            try:
                await eventually(check, timeout=RECOVERY_SECONDS if not found else 5, every=0.5)
            except AssertionError as error:
                found.append(f"NOT: {name}: {str(error)[:500]}")
        return found

    async def _postings(self) -> bool:
        return _equal(await self._books.postings(), self._counted.totals())

    async def _ledger(self) -> bool:
        return _equal(await self._books.ledger(), self._counted.totals())

    async def _contacts(self) -> bool:
        return _equal(await self._services["engagement"].fetchval("SELECT count(*) FROM interaction"), self._counted.contacts)

    async def _dead_letters(self) -> bool:
        """By service, the bad records of the topics that it reads."""
        for service, database in self._services.items():
            rows = await database.fetch("SELECT record FROM dead_letter WHERE resolved_at IS NULL")
            records = [unpack(row["record"]) for row in rows]
            found = {sent_of(record) for record in records if record is not None}
            read = {name for name, topic in load_topics().items() if f"{service}-svc" in _readers(topic)}
            _equal(found, {sent for sent in self._striker.sent if sent[0] in read})
        return True

    async def _blocked(self) -> bool:
        for service, database in self._services.items():
            rows = await database.fetch("SELECT key FROM outbox_blocked_key")
            _equal({row["key"] for row in rows}, self._striker.bad_rows[service])
        return True

    async def _nothing_waits(self) -> bool:
        left = await self._books.left_over()
        bad_rows = sum(map(len, self._striker.bad_rows.values()))
        return _equal((left["unpublished"], left["parked"], left["dirty"]), (bad_rows, 0, 0))

    async def _nothing_is_paused(self) -> bool:
        for database in self._services.values():
            for statement in (
                "SELECT count(*) FROM partition_pause WHERE resumed_at IS NULL",
                "SELECT count(*) FROM set_aside_item WHERE retry_at IS NULL",
            ):
                _equal(await database.fetchval(statement), 0)
        return True

    async def _healthy(self) -> bool:
        async with httpx.AsyncClient(trust_env=False) as http:
            for url in (*self._deployment.urls.values(), *self._deployment.worker_urls.values()):
                try:
                    health = (await http.get(f"{url}/healthz")).json()
                except httpx.TransportError as error:
                    raise AssertionError(f"{url}: {type(error).__name__}") from error
                _equal([part for part in health["parts"] if part["state"] not in ("running", "done")], [])
        return True

    async def _audited(self) -> bool:
        """A batch or a contact that was answered twice has one entry each time it was carried out, and never none."""
        for service, action, least in (
            ("customer", "batchCreateTransactions", self._counted.batches),
            ("customer", "registerCustomer", len(self._counted.customers)),
            ("engagement", "recordInteraction", self._counted.contacts),
        ):
            entries = await self._services[service].fetchval("SELECT count(*) FROM audit_entry WHERE action = $1", action)
            assert entries >= least, f"{action}: {entries} entries of {least}"
        return True

    async def _verifies(self) -> bool:
        for service in SERVICES:
            assert_audit_holds(self._deployment, service, self._folder)
        return True


def _readers(topic: Topic) -> set[str]:
    return {consumer.service for consumer in topic.consumers}


def _equal(found: object, expected: object) -> bool:
    assert found == expected, f"{found} is not {expected}"
    return True
