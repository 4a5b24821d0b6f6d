"""The directory and the book: who the caller is, and the replicas' upserts.

Every `apply_*` takes a row unless it is older than the one kept, by (epoch, version): an old snapshot changes nothing, and the same
one again, as a rebuild reads it, puts right what has gone wrong with the row.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import astuple
from datetime import datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.security.directory.errors import NotInDirectory
from guanxi_common.security.directory.values import Book, Client, Outlet, Role, Staff
from guanxi_common.security.principal import Identity, Principal, ScopeKind, StandIn

# UNION, not UNION ALL: outlets that a mistake has put in a circle end the recursion.
_RESOLVE = """
WITH RECURSIVE caller AS (
    SELECT staff.id, staff.role, staff.outlet_id, role.grants
    FROM directory_staff staff JOIN directory_role role ON role.role = staff.role
    WHERE staff.issuer = $1 AND staff.subject = $2 AND staff.active AND NOT staff.suspended AND role.holder = 'staff'
), subtree (id) AS (
    SELECT outlet_id FROM caller WHERE outlet_id IS NOT NULL
    UNION SELECT outlet.id FROM directory_outlet outlet JOIN subtree ON outlet.parent_id = subtree.id
), absent AS (
    SELECT staff.id, staff.away_from AS since, staff.away_until AS until
    FROM caller JOIN directory_staff staff ON staff.deputy_id = caller.id
    WHERE staff.active AND NOT staff.suspended AND staff.away_from IS NOT NULL
    UNION ALL
    SELECT staff.id, NULL, NULL FROM caller JOIN directory_staff staff ON staff.deputy_id = caller.id
    WHERE NOT staff.active OR staff.suspended
)
SELECT id, role, outlet_id, grants::text, ARRAY(SELECT id FROM subtree) AS outlet_ids, NULL::text[] AS sources,
    (SELECT json_agg(json_build_array(id, since, until)) FROM absent)::text AS stands_in
FROM caller
"""

_RESOLVE_CLIENT = """
SELECT client.id, client.role, NULL::uuid AS outlet_id, role.grants::text, ARRAY[]::uuid[] AS outlet_ids, client.sources,
    NULL::text AS stands_in
FROM directory_client client JOIN directory_role role ON role.role = client.role
WHERE client.issuer = $1 AND client.client_id = $2 AND client.active AND role.holder = 'client'
"""


async def resolve_principal(uow: UnitOfWork, identity: Identity) -> Principal:
    """The caller with role, grants, and outlet subtree or sources, in one query. Raises `NotInDirectory`.

    A person is looked for among staff, a client among clients, and each needs a role of its own kind: whatever names and roles the
    two share, the token of one never acts as the other.
    """
    query = _RESOLVE if identity.kind == "staff" else _RESOLVE_CLIENT
    row = await uow.driver.fetchrow(query, identity.issuer, identity.subject)
    if row is None:
        raise NotInDirectory
    return Principal(
        identity=identity,
        id=_uuid(row["id"]),
        role=row["role"],
        outlet_id=None if row["outlet_id"] is None else _uuid(row["outlet_id"]),
        outlet_ids=tuple(_uuid(outlet_id) for outlet_id in row["outlet_ids"]),
        grants={permission: ScopeKind(kind) for permission, kind in json.loads(row["grants"]).items()},
        sources=None if row["sources"] is None else frozenset(row["sources"]),
        stands_in=tuple(_stand_in(*absent) for absent in json.loads(row["stands_in"] or "[]")),
    )


def _stand_in(staff_id: str, since: str | None, until: str | None) -> StandIn:
    return StandIn(UUID(staff_id), *(datetime.fromisoformat(instant) if instant else None for instant in (since, until)))


def _uuid(value: Any) -> UUID:
    """A plain `UUID` of the driver's own subclass, which pickles and compares alike but is no `UUID` to a strict serialiser."""
    return UUID(int=value.int)


async def apply_outlets(uow: UnitOfWork, outlets: Sequence[Outlet]) -> None:
    await uow.driver.executemany(
        "INSERT INTO directory_outlet AS kept (id, parent_id, code, name, kind, version, epoch) VALUES ($1, $2, $3, $4, $5, $6, $7)"
        " ON CONFLICT (id) DO UPDATE SET parent_id = EXCLUDED.parent_id, code = EXCLUDED.code, name = EXCLUDED.name,"
        " kind = EXCLUDED.kind, version = EXCLUDED.version, epoch = EXCLUDED.epoch"
        " WHERE (kept.epoch, kept.version) <= (EXCLUDED.epoch, EXCLUDED.version)",
        [
            (outlet.id, outlet.parent_id, outlet.code, outlet.name, outlet.kind, outlet.version, outlet.epoch)
            for outlet in outlets
        ],
    )


async def apply_staff(uow: UnitOfWork, staff: Sequence[Staff]) -> None:
    await uow.driver.executemany(
        "INSERT INTO directory_staff AS kept (id, issuer, subject, name, role, outlet_id, reports_to, active, version,"
        " epoch, suspended, deputy_id, away_from, away_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
        " ON CONFLICT (id) DO UPDATE SET issuer = EXCLUDED.issuer, subject = EXCLUDED.subject, name = EXCLUDED.name,"
        " role = EXCLUDED.role, outlet_id = EXCLUDED.outlet_id, reports_to = EXCLUDED.reports_to, active = EXCLUDED.active,"
        " version = EXCLUDED.version, epoch = EXCLUDED.epoch, suspended = EXCLUDED.suspended, deputy_id = EXCLUDED.deputy_id,"
        " away_from = EXCLUDED.away_from, away_until = EXCLUDED.away_until"
        " WHERE (kept.epoch, kept.version) <= (EXCLUDED.epoch, EXCLUDED.version)",
        [astuple(one) for one in staff],
    )


async def apply_clients(uow: UnitOfWork, clients: Sequence[Client]) -> None:
    await uow.driver.executemany(
        "INSERT INTO directory_client AS kept (id, issuer, client_id, name, role, sources, active, version, epoch)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        " ON CONFLICT (id) DO UPDATE SET issuer = EXCLUDED.issuer, client_id = EXCLUDED.client_id, name = EXCLUDED.name,"
        " role = EXCLUDED.role, sources = EXCLUDED.sources, active = EXCLUDED.active, version = EXCLUDED.version,"
        " epoch = EXCLUDED.epoch WHERE (kept.epoch, kept.version) <= (EXCLUDED.epoch, EXCLUDED.version)",
        [(c.id, c.issuer, c.client_id, c.name, c.role, list(c.sources), c.active, c.version, c.epoch) for c in clients],
    )


async def apply_roles(uow: UnitOfWork, roles: Sequence[Role]) -> None:
    await uow.driver.executemany(
        "INSERT INTO directory_role AS kept (role, grants, version, epoch, holder) VALUES ($1, $2::jsonb, $3, $4, $5)"
        " ON CONFLICT (role) DO UPDATE SET grants = EXCLUDED.grants, version = EXCLUDED.version, epoch = EXCLUDED.epoch,"
        " holder = EXCLUDED.holder WHERE (kept.epoch, kept.version) <= (EXCLUDED.epoch, EXCLUDED.version)",
        [(role.role, json.dumps(role.grants), role.version, role.epoch, role.holder) for role in roles],
    )


async def apply_books(uow: UnitOfWork, books: Sequence[Book]) -> None:
    """Replace all intervals of each customer by those of its newest book. One customer's books are applied one at a time:
    by the holder of its row lock, or by the one consumer of its partition.
    """
    newest = {book.customer_id: book for book in sorted(books, key=lambda book: (book.epoch, book.version))}
    await uow.driver.execute(
        "DELETE FROM book_assignment kept USING unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS new (customer_id, epoch, version)"
        " WHERE kept.customer_id = new.customer_id AND (kept.epoch, kept.version) <= (new.epoch, new.version)",
        list(newest),
        [book.epoch for book in newest.values()],
        [book.version for book in newest.values()],
    )
    rows = [
        (book.customer_id, a.capacity, a.valid_from, a.valid_to, a.staff_id, a.outlet_id, book.version, book.epoch)
        for book in newest.values()
        for a in book.assignments
    ]
    if rows:
        await uow.driver.execute(
            "INSERT INTO book_assignment (customer_id, capacity, valid_from, valid_to, staff_id, outlet_id, version, epoch)"
            " SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::uuid[], $6::uuid[],"
            " $7::bigint[], $8::bigint[]) AS new (customer_id, capacity, valid_from, valid_to, staff_id, outlet_id, version, epoch)"
            " WHERE NOT EXISTS (SELECT FROM book_assignment kept WHERE kept.customer_id = new.customer_id)",
            *(list(column) for column in zip(*rows, strict=True)),
        )


async def remove_books(uow: UnitOfWork, customer_ids: Collection[UUID]) -> None:
    """Forget erased customers: nobody sees them any more."""
    await uow.driver.execute("DELETE FROM book_assignment WHERE customer_id = ANY($1::uuid[])", list(customer_ids))


async def remove_staff(uow: UnitOfWork, staff_ids: Collection[UUID]) -> None:
    await uow.driver.execute("DELETE FROM directory_staff WHERE id = ANY($1::uuid[])", list(staff_ids))


async def remove_clients(uow: UnitOfWork, client_ids: Collection[UUID]) -> None:
    await uow.driver.execute("DELETE FROM directory_client WHERE id = ANY($1::uuid[])", list(client_ids))


async def remove_outlets(uow: UnitOfWork, outlet_ids: Collection[UUID]) -> None:
    await uow.driver.execute("DELETE FROM directory_outlet WHERE id = ANY($1::uuid[])", list(outlet_ids))


async def remove_roles(uow: UnitOfWork, roles: Collection[str]) -> None:
    await uow.driver.execute("DELETE FROM directory_role WHERE role = ANY($1::text[])", list(roles))
