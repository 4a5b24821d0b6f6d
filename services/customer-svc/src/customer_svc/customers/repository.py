"""The tables of the customer file."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any
from uuid import UUID

from guanxi_common.db.rows import read_as, table_of, values_of
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.http.pagination import after
from guanxi_common.security.audit.repository import audited_read
from guanxi_common.security.directory.scope import visible_customers, visible_customers_sql
from guanxi_common.security.directory.tables import BookAssignment
from guanxi_common.security.principal import AuditContext, RowScope
from guanxi_common.set_aside import not_set_aside
from sqlalchemy import ColumnElement, and_, bindparam, exists, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from customer_svc.customers.names import TERMS_VERSION, name_terms
from customer_svc.customers.sealing import SealedContact
from customer_svc.customers.tables import CustomerContactRow, CustomerRow
from customer_svc.facets.policy import AT_REGISTRATION, Facet
from customer_svc.facets.tables import CustomerFacetRow

_customer = table_of(CustomerRow)
_contact = table_of(CustomerContactRow)
_book = table_of(BookAssignment)
_facet = table_of(CustomerFacetRow)

NAME_QUEUE = "index-name"
"""The name for operators of the queue of customers whose search terms are of an older version."""


@dataclass(frozen=True, slots=True)
class Customer:
    """The customer file without what is encrypted."""

    id: UUID
    source: str
    customer_number: str
    customer_type: str
    name: str
    birth_date: date | None
    sex: str | None
    language: str
    outlet_id: UUID
    data_origin: str
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Criteria:
    """A search. `name_terms`: of each word that was typed the alternatives, of each of these its terms (`names.query_terms`).

    Indexes are the candidates of the blind index, so that a key rotation hides nobody.
    """

    name_terms: list[list[list[str]]] | None = None
    phone_indexes: list[bytes] | None = None
    identity_indexes: list[bytes] | None = None
    email_indexes: list[bytes] | None = None
    reference: tuple[str, str] | None = None
    outlet_id: UUID | None = None
    rm_id: UUID | None = None


def _customer_of(row: Mapping[Any, Any]) -> Customer:
    return read_as(Customer, row)


def _contact_of(row: Mapping[Any, Any], customer_id: UUID) -> SealedContact:
    values = {name: row[name] for name in SealedContact.__slots__ if name != "customer_id"}
    return SealedContact(
        customer_id=customer_id,
        **{**values, "phones_sealed": tuple(values["phones_sealed"] or ()), "phones_index": tuple(values["phones_index"] or ())},
    )


async def insert_customer(uow: UnitOfWork, customer: Customer, contact: SealedContact) -> bool:
    """Store a new file; False where the source has registered this customer number before."""
    values = {**values_of(customer), **_terms_of(customer)}
    statement = pg_insert(_customer).values(values).on_conflict_do_nothing(index_elements=["source", "customer_number"])
    if (await uow.execute(statement.returning(_customer.c.id))).first() is None:
        return False
    await uow.execute(insert(_contact).values(_contact_values(contact)))
    return True


async def update_customer(uow: UnitOfWork, customer: Customer, contact: SealedContact) -> None:
    """Store a file whose row the transaction holds locked."""
    values = {**values_of(customer, without="id"), **_terms_of(customer)}
    await uow.execute(update(_customer).where(_customer.c.id == customer.id).values(values))
    await uow.execute(update(_contact).where(_contact.c.customer_id == customer.id).values(_contact_values(contact)))


async def bump_version(uow: UnitOfWork, customer_id: UUID, now: datetime, *, by: int = 1) -> None:
    """Count changes that touch none of the file's own columns; the transaction holds the row locked."""
    await uow.execute(
        update(_customer).where(_customer.c.id == customer_id).values(version=_customer.c.version + by, updated_at=now)
    )


def _in_scope(scope: RowScope, now: datetime) -> ColumnElement[bool]:
    """Visible to the caller; for a client, and of one of its sources."""
    visible = visible_customers(scope, _customer.c.id, now)
    return visible if scope.sources is None else and_(visible, _customer.c.source.in_(scope.sources))


async def read_customer(
    uow: UnitOfWork, scope: RowScope, customer_id: UUID, now: datetime, *, lock: bool = False
) -> tuple[Customer, SealedContact] | None:
    """The file and its sealed part, locked if asked; None where it does not exist or is out of scope."""
    statement = (
        select(_customer, *(column for column in _contact.c if column.name != "customer_id"))
        .join(_contact, _contact.c.customer_id == _customer.c.id)
        .where(_customer.c.id == customer_id, _in_scope(scope, now))
    )
    if lock:
        statement = statement.with_for_update(of=_customer)
    row = (await uow.execute(statement)).mappings().first()
    return (_customer_of(row), _contact_of(row, row["id"])) if row else None


async def list_ids(uow: UnitOfWork, *, after: UUID | None, limit: int, having: Facet | None = None) -> list[UUID]:
    """All customers by id but the erased, or those of them who have the facet, for what is done for each of them."""
    statement = select(_customer.c.id).where(_customer.c.erased_at.is_(None)).order_by(_customer.c.id).limit(limit)
    if having is not None and having not in AT_REGISTRATION:
        statement = statement.where(exists().where(_facet.c.customer_id == _customer.c.id, _facet.c.facet == having))
    if after is not None:
        statement = statement.where(_customer.c.id > after)
    return list((await uow.execute(statement)).scalars())


# What a file shows; the blind indexes are for searching only.
_FILE = tuple(field.name for field in fields(Customer))
_FILE_COLUMNS = [_customer.c[name] for name in _FILE]
_SEALED = ("identity_kind", "identity_sealed", "phones_sealed", "email_sealed", "address_sealed")
_READ = (
    f"SELECT {', '.join(f'customer.{name}' for name in _FILE)}, {', '.join(f'contact.{name}' for name in _SEALED)}"  # noqa: S608  # names of ours
    " FROM customer JOIN customer_contact contact ON contact.customer_id = customer.id WHERE customer.id = $1 AND "
)


async def read_audited(
    uow: UnitOfWork, scope: RowScope, customer_id: UUID, now: datetime, audit: AuditContext, shown: Collection[str]
) -> tuple[Customer, SealedContact] | None:
    """`read_customer` and the audit entry that says so, as one statement: what `customers.read_customer` costs is this.

    Without the blind indexes. Nothing is logged where nothing is found.
    """
    visible, arguments = visible_customers_sql(scope, "customer.id", now, 2)
    if scope.sources is not None:
        visible += f" AND customer.source = ANY(${2 + len(arguments)}::text[])"
        arguments = (*arguments, list(scope.sources))
    statement, logged = audited_read(_READ + visible, audit, shown, first_parameter=2 + len(arguments))
    row = await uow.driver.fetchrow(statement, customer_id, *arguments, *logged)
    if row is None:
        return None
    kind, identity, phones, email, address = row[len(_FILE) :]
    sealed = SealedContact(
        customer_id=customer_id,
        identity_kind=kind,
        identity_sealed=identity,
        phones_sealed=tuple(phones),
        email_sealed=email,
        address_sealed=address,
    )
    return Customer(*row[: len(_FILE)]), sealed


async def customer_is_visible(uow: UnitOfWork, scope: RowScope, customer_id: UUID, now: datetime) -> bool:
    """Whether the customer exists and is in scope."""
    statement = select(_customer.c.id).where(
        _customer.c.id == customer_id, _customer.c.erased_at.is_(None), _in_scope(scope, now)
    )
    return (await uow.execute(statement)).first() is not None


async def find_by_reference(uow: UnitOfWork, source: str, customer_number: str) -> UUID | None:
    """Our id of a source's customer; for the source itself."""
    statement = select(_customer.c.id).where(_customer.c.source == source, _customer.c.customer_number == customer_number)
    return (await uow.execute(statement)).scalar_one_or_none()


async def lock_documents(uow: UnitOfWork, identity_indexes: Sequence[bytes]) -> None:
    """Until the end of the transaction nobody else files a document with one of these indexes."""
    for index in sorted(identity_indexes):
        await uow.driver.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"identity:{index.hex()}")


async def find_by_document(
    uow: UnitOfWork, identity_indexes: Sequence[bytes], *, besides: UUID | None
) -> list[tuple[UUID, datetime]]:
    """Other customers with the document, and since when they are filed; for the wall between two files of one person."""
    statement = (
        select(_customer.c.id, _customer.c.created_at)
        .join(_contact, _contact.c.customer_id == _customer.c.id)
        .where(_contact.c.identity_index.in_(identity_indexes), _customer.c.erased_at.is_(None))
        .order_by(_customer.c.id)
        .limit(10)
    )
    if besides is not None:
        statement = statement.where(_customer.c.id != besides)
    return [(row.id, row.created_at) for row in await uow.execute(statement)]


async def search_customers(
    uow: UnitOfWork, scope: RowScope, criteria: Criteria, now: datetime, *, past: tuple[str, UUID] | None, limit: int
) -> list[Customer]:
    """Customers in scope that meet all criteria, by (name, id)."""
    order = (_customer.c.name, _customer.c.id)
    statement = (
        select(*_FILE_COLUMNS)
        .where(_in_scope(scope, now), _customer.c.erased_at.is_(None), after(order, past))
        .order_by(*order)
        .limit(limit)
    )
    if criteria.name_terms is not None:
        statement = statement.where(*(_one_of(alternatives) for alternatives in criteria.name_terms))
    if criteria.reference is not None:
        source, number = criteria.reference
        statement = statement.where(_customer.c.source == source, _customer.c.customer_number == number)
    if criteria.outlet_id is not None:
        statement = statement.where(_customer.c.outlet_id == criteria.outlet_id)
    if criteria.rm_id is not None:
        looked_after = select(_book.c.customer_id).where(
            _book.c.staff_id == criteria.rm_id,
            _book.c.capacity == "primary_rm",
            _book.c.valid_from <= now,
            or_(_book.c.valid_to.is_(None), _book.c.valid_to > now),
        )
        statement = statement.where(_customer.c.id.in_(looked_after))
    sealed = _sealed_conditions(criteria)
    if sealed:
        statement = statement.where(_customer.c.id.in_(select(_contact.c.customer_id).where(*sealed)))
    return [_customer_of(row) for row in (await uow.execute(statement)).mappings()]


def _one_of(alternatives: Sequence[Sequence[str]]) -> ColumnElement[bool]:
    return or_(*(_customer.c.name_terms.contains(list(terms)) for terms in alternatives))


def _terms_of(customer: Customer) -> dict[str, Any]:
    return {"name_terms": name_terms(customer.name), "terms_version": TERMS_VERSION}


async def lock_unindexed(
    uow: UnitOfWork, limit: int, now: datetime, only: Sequence[UUID] | None = None
) -> list[tuple[UUID, str]]:
    """Customers, of `only`, whose search terms are of an older version, with their names. Others that do the same get other rows."""
    of_whom = not_set_aside(NAME_QUEUE, _customer.c.id, now) if only is None else _customer.c.id.in_(only)
    stale = select(_customer.c.id, _customer.c.name).where(_customer.c.terms_version < TERMS_VERSION, of_whom)
    return [(row.id, row.name) for row in await uow.execute(stale.limit(limit).with_for_update(skip_locked=True))]


async def index_names(uow: UnitOfWork, names: Sequence[tuple[UUID, str]]) -> None:
    """Give the customers the search terms of today's version."""
    by_id = _customer.c.id == bindparam("customer_id")
    terms = [{"customer_id": customer_id, "terms": name_terms(name)} for customer_id, name in names]
    statement = update(_customer).where(by_id).values(name_terms=bindparam("terms"), terms_version=TERMS_VERSION)
    await uow.execute(statement, terms)


def _sealed_conditions(criteria: Criteria) -> list[Any]:
    conditions: list[Any] = []
    if criteria.phone_indexes is not None:
        conditions.append(_contact.c.phones_index.overlap(criteria.phone_indexes))
    if criteria.identity_indexes is not None:
        conditions.append(_contact.c.identity_index.in_(criteria.identity_indexes))
    if criteria.email_indexes is not None:
        conditions.append(_contact.c.email_index.in_(criteria.email_indexes))
    return conditions


def _contact_values(contact: SealedContact) -> dict[str, Any]:
    values = values_of(contact)
    return {**values, "phones_sealed": list(contact.phones_sealed), "phones_index": list(contact.phones_index)}


async def take_failed(uow: UnitOfWork, queue: str, only: Sequence[UUID] | None, now: datetime) -> list[UUID]:
    """The customers that are noted on a queue of failures and due, or `only` those, locked; at most fifty."""
    statement = (
        "SELECT item FROM set_aside_item WHERE queue = $1 AND (item = ANY($2::text[]) OR ($2 IS NULL AND retry_at <= $3))"
        " ORDER BY item LIMIT 50 FOR UPDATE SKIP LOCKED"
    )
    rows = await uow.driver.fetch(statement, queue, None if only is None else [str(one) for one in only], now)
    return [UUID(row[0]) for row in rows]
