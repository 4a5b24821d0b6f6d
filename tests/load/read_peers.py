"""What a user would otherwise assemble for the two reads, doing the same job: FastAPI and an ORM session, on our tables and indexes.

Each request verifies the token, loads the member of staff with the role, reads under the row scope by joins, opens the sealed
fields, masks, adds an audit entry for each customer shown, commits, and answers through pydantic models. It has no rate limits, no
metrics, no request ids, and no keyset pagination.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

from customer_svc.customers.tables import CustomerContactRow, CustomerRow
from engagement_svc.customers.tables import CustomerRow as KnownCustomer
from engagement_svc.tasks.tables import TaskRow
from fastapi import Depends, FastAPI, HTTPException, Request
from guanxi_common.keys.store import DataKey
from guanxi_common.security.audit.tables import AuditEntry
from guanxi_common.security.directory.tables import BookAssignment, DirectoryRole, DirectoryStaff
from guanxi_common.security.fields import Place, unseal
from guanxi_common.text import masked
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

_CLAIMS = jwt.JWTClaimsRegistry(aud={"essential": True, "value": "guanxi"}, exp={"essential": True})


class ContactOut(BaseModel):
    phones: list[str]
    email: str | None
    address: str | None


class IdentityOut(BaseModel):
    kind: str
    number: str


class CustomerOut(BaseModel):
    id: UUID
    source: str
    customer_number: str
    customer_type: str
    name: str
    outlet_id: UUID
    identity_document: IdentityOut | None
    contact: ContactOut
    birth_date: date | None
    sex: str | None
    language: str
    data_origin: str
    version: int
    created_at: datetime
    updated_at: datetime


class TaskOut(BaseModel):
    id: UUID
    customer_id: UUID
    customer_name: str | None
    task_type: str
    reason_code: str
    reason_en: str
    reason_zh: str
    evidence: dict[str, Any]
    priority: int
    state: str
    opened_at: datetime
    due_at: datetime
    due_provisional: bool
    owner_id: UUID | None
    breached_at: datetime | None
    escalated_to: UUID | None


def create_read_peer(url: str, jwks: dict[str, Any], key: DataKey) -> tuple[FastAPI, AsyncEngine]:
    """The application on a service's database. `key` is the data key of every customer that is read: it looks up none."""
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"), pool_size=10)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    app, keys = FastAPI(), KeySet.import_key_set(jwks)  # type: ignore[arg-type]  # the library's own dictionary type

    async def session() -> Any:
        async with sessions() as opened:
            yield opened

    Session = Annotated[AsyncSession, Depends(session)]  # noqa: N806  # a type

    async def caller(request: Request, db: Session) -> DirectoryStaff:
        try:
            token = jwt.decode(request.headers["authorization"].removeprefix("Bearer "), keys, algorithms=["ES256"])
            _CLAIMS.validate(token.claims)
        except (JoseError, ValueError):
            raise HTTPException(401) from None
        known = (DirectoryStaff.issuer == token.claims["iss"], DirectoryStaff.subject == token.claims["sub"])
        statement = select(DirectoryStaff, DirectoryRole).join(DirectoryRole, DirectoryRole.role == DirectoryStaff.role)
        found = (await db.execute(statement.where(*known, DirectoryStaff.active))).one_or_none()
        if found is None or "customer.read" not in found[1].grants:
            raise HTTPException(403)
        staff: DirectoryStaff = found[0]
        return staff

    Caller = Annotated[DirectoryStaff, Depends(caller)]  # noqa: N806  # a type

    @app.get("/customers/{customer_id}")
    async def read_customer(customer_id: UUID, db: Session, staff: Caller) -> CustomerOut:
        statement = (
            select(CustomerRow, CustomerContactRow)
            .join(CustomerContactRow, CustomerContactRow.customer_id == CustomerRow.id)
            .join(BookAssignment, BookAssignment.customer_id == CustomerRow.id)
            .where(CustomerRow.id == customer_id, *_own(staff))
        )
        found = (await db.execute(statement)).one_or_none()
        if found is None:
            raise HTTPException(404)
        customer, contact = found
        db.add(_audit(staff, "readCustomer", customer.id, ["name", "identity_document", "phones", "email", "address"]))
        await db.commit()
        return _shown(customer, contact, key)

    @app.get("/worklist")
    async def read_worklist(db: Session, staff: Caller, limit: int = 50) -> list[TaskOut]:
        statement = (
            select(TaskRow, KnownCustomer.name)
            .join(BookAssignment, BookAssignment.customer_id == TaskRow.customer_id)
            .outerjoin(KnownCustomer, KnownCustomer.customer_id == TaskRow.customer_id)
            .where(TaskRow.state == "open", *_own(staff))
            .order_by(TaskRow.rank_key, TaskRow.id)
            .limit(limit)
        )
        found = (await db.execute(statement)).all()
        customers = {task.customer_id for task, _ in found}
        db.add_all([_audit(staff, "readWorklist", customer_id, ["name", "tasks"]) for customer_id in customers])
        await db.commit()
        return [TaskOut.model_validate({**vars(task), "customer_name": name}) for task, name in found]

    return app, engine


def _own(staff: DirectoryStaff) -> tuple[Any, ...]:
    now = datetime.now(UTC)
    return (
        BookAssignment.staff_id == staff.id,
        BookAssignment.valid_from <= now,
        or_(BookAssignment.valid_to.is_(None), BookAssignment.valid_to > now),
    )


def _audit(staff: DirectoryStaff, action: str, customer_id: UUID, fields: Sequence[str]) -> AuditEntry:
    return AuditEntry(
        actor=f"staff:{staff.id}",
        action=action,
        purpose="customer_service",
        subject_type="customer",
        subject_id=str(customer_id),
        fields=list(fields),
    )


def _shown(customer: CustomerRow, contact: CustomerContactRow, key: DataKey) -> CustomerOut:
    def opened(sealed: bytes | None, column: str) -> str | None:
        return unseal(sealed, key, Place("customer_contact", column, customer.id)) if sealed else None

    number = opened(contact.identity_sealed, "identity")
    identity = IdentityOut(kind=contact.identity_kind, number=masked(number)) if number else None  # type: ignore[arg-type]  # never null beside a number
    reachable = ContactOut(
        phones=[phone for sealed in contact.phones_sealed if (phone := opened(sealed, "phones"))],
        email=opened(contact.email_sealed, "email"),
        address=opened(contact.address_sealed, "address"),
    )
    return CustomerOut.model_validate({**vars(customer), "identity_document": identity, "contact": reachable})
