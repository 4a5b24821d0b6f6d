"""The worker's job that seals what the audit log has gathered: about every second, a new signed head over all entries.

Entries get their place in the order in which the sealer sees them committed, so a transaction that commits late is sealed late and
never skipped. Any number of workers may run it: an advisory lock lets one at a time through. What has not been sealed yet
(about a second, or as long as the workers are down) can still be changed unseen.
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guanxi_common.clock import Clock
from guanxi_common.db.uow import Database, UnitOfWork
from guanxi_common.security.audit.heads import ENTRY_FIELDS, Head, entry_leaf, entry_of
from guanxi_common.security.audit.merkle import Frontier
from guanxi_common.telemetry.metrics import AUDIT_UNSEALED_AGE

BATCH = 5_000
_LOCK = 0x61756469

_UNSEALED = f"SELECT {', '.join(ENTRY_FIELDS)} FROM audit_entry WHERE sealed_seq IS NULL ORDER BY id LIMIT $1"  # noqa: S608  # constant names

_SEAL = """
UPDATE audit_entry SET sealed_seq = sealed.seq, leaf_hash = sealed.leaf
FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS sealed (id, seq, leaf) WHERE audit_entry.id = sealed.id
"""


class AuditSealer:
    """Seals the audit log of one service's database. `log` names it in every head (the service's name)."""

    def __init__(self, database: Database, log: str, seed: bytes, clock: Clock) -> None:
        self._database = database
        self._name = log
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._clock = clock

    async def seal_all(self) -> int:
        """Seal everything that is committed now, a batch a transaction; returns how many entries."""
        total = 0
        while True:
            async with self._database.transaction() as uow:
                sealed = await self.seal_batch(uow)
                await uow.commit()
            total += sealed
            if sealed < BATCH:
                return total

    async def seal_batch(self, uow: UnitOfWork) -> int:
        """Seal up to `BATCH` entries under one new head; 0 if there are none or another worker is at it. The caller commits."""
        if not await uow.driver.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
            return 0
        rows = await uow.driver.fetch(_UNSEALED, BATCH)
        AUDIT_UNSEALED_AGE.set(max((self._clock.now() - rows[0]["at"]).total_seconds(), 0) if rows else 0)
        if not rows:
            return 0
        last = await uow.driver.fetchrow("SELECT size, frontier FROM audit_head ORDER BY size DESC LIMIT 1")
        tree = Frontier(last["size"], last["frontier"]) if last else Frontier()
        first = tree.size
        leaves = [entry_leaf(entry_of(row)) for row in rows]
        for leaf in leaves:
            tree.append(leaf)
        places = list(range(first, tree.size))
        await uow.driver.execute(_SEAL, [row["id"] for row in rows], places, leaves)
        await self._publish(uow, tree)
        return len(rows)

    async def _publish(self, uow: UnitOfWork, tree: Frontier) -> None:
        head = Head.sign(self._name, tree.size, tree.root, self._clock.now(), self._key)
        await uow.driver.execute(
            "INSERT INTO audit_head (size, root, at, public_key, signature, frontier) VALUES ($1, $2, $3, $4, $5, $6)",
            *(head.size, head.root, head.at, head.public_key, head.signature, tree.hashes),
        )
