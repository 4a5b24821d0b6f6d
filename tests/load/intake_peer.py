"""The intake that a user would otherwise assemble: FastAPI, pydantic, SQLAlchemy, in the ordinary way, doing the same job.

It verifies the token by the same library, knows the accounts, keeps each posting once, refuses other content under a known id,
answers for every item, and writes an outbox row per event in the same transaction, so that no event is lost. Called in process.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import Depends, FastAPI, Header, HTTPException
from joserfc import jws
from joserfc.jwk import KeySet
from pydantic import BaseModel
from sqlalchemy import JSON, BigInteger, select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class PeerPosting(Base):
    __tablename__ = "peer_posting"
    account_number: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str]
    booked_on: Mapped[date]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    code: Mapped[str]


class PeerAccount(Base):
    __tablename__ = "peer_account"
    account_number: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]


class PeerOutbox(Base):
    """One row an event, as in the pattern's descriptions."""

    __tablename__ = "peer_outbox"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    event_id: Mapped[UUID]
    topic: Mapped[str]
    key: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)


class Money(BaseModel):
    amount: int
    currency: str


class Item(BaseModel):
    source: str
    account_number: str
    external_id: str
    booked_on: date
    money: Money
    code: str


class Batch(BaseModel):
    items: list[Item]


class Result(BaseModel):
    index: int
    status: str
    transaction_id: UUID | None


class BatchOut(BaseModel):
    items: list[Result]


def create_intake(url: str, keys: KeySet) -> tuple[FastAPI, Callable[[Sequence[tuple[str, UUID]]], Awaitable[None]]]:
    """The application, and what makes its tables with these accounts and their holders. `keys`: the issuer's public keys."""
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"), pool_size=10)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    app = FastAPI()

    async def session() -> Any:
        async with sessions() as opened:
            yield opened

    Session = Annotated[AsyncSession, Depends(session)]  # noqa: N806  # a type

    async def authenticated(authorization: Annotated[str, Header()]) -> str:
        """The signature, every time, by the library that we use too (and remember tokens with)."""
        token = jws.deserialize_compact(authorization.removeprefix("Bearer "), keys, algorithms=["ES256"])
        claims = json.loads(token.payload or b"")
        if claims["exp"] < datetime.now(UTC).timestamp():
            raise HTTPException(401)
        return str(claims["sub"])

    Subject = Annotated[str, Depends(authenticated)]  # noqa: N806  # a type

    @app.post("/orm")
    async def intake_orm(batch: Batch, db: Session, _: Subject) -> BatchOut:
        numbers = {item.account_number for item in batch.items}
        found = await db.execute(select(PeerAccount).where(PeerAccount.account_number.in_(numbers)))
        holders = {account.account_number: account.customer_id for account in found.scalars()}
        stored = await db.execute(
            select(PeerPosting).where(PeerPosting.external_id.in_([item.external_id for item in batch.items]))
        )
        known = {(posting.account_number, posting.external_id): posting for posting in stored.scalars()}
        results = []
        for index, item in enumerate(batch.items):
            before = known.get((item.account_number, item.external_id))
            if before is None and item.account_number in holders:
                posting = PeerPosting(**_columns(item))
                db.add(posting)
                db.add(PeerOutbox(**_event(item, holders[item.account_number])))
                known[item.account_number, item.external_id] = posting
            results.append(_outcome(index, item, holders, before and _content(before)))
        await db.commit()
        return BatchOut(items=results)

    @app.post("/core")
    async def intake_core(batch: Batch, db: Session, _: Subject) -> BatchOut:
        numbers = {item.account_number for item in batch.items}
        found = await db.execute(
            select(PeerAccount.account_number, PeerAccount.customer_id).where(PeerAccount.account_number.in_(numbers))
        )
        holders: dict[str, UUID] = {row[0]: row[1] for row in found}
        stored = await db.execute(
            select(PeerPosting.__table__).where(PeerPosting.external_id.in_([item.external_id for item in batch.items]))
        )
        known = {(row.account_number, row.external_id): _content(row) for row in stored}
        fresh, results = {}, []
        for index, item in enumerate(batch.items):
            key = item.account_number, item.external_id
            results.append(_outcome(index, item, holders, known.get(key)))
            if key not in known and item.account_number in holders:
                fresh[key] = item
                known[key] = _content(PeerPosting(**_columns(item)))
        if fresh:
            await db.execute(pg_insert(PeerPosting), [_columns(item) for item in fresh.values()])
            await db.execute(pg_insert(PeerOutbox), [_event(item, holders[item.account_number]) for item in fresh.values()])
        await db.commit()
        return BatchOut(items=results)

    async def prepare(accounts: Sequence[tuple[str, UUID]]) -> None:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.drop_all)
            await connection.run_sync(Base.metadata.create_all)
            rows = [{"account_number": number, "customer_id": customer} for number, customer in accounts]
            await connection.execute(pg_insert(PeerAccount), rows)

    return app, prepare


def _content(posting: Any) -> tuple[Any, ...]:
    return posting.booked_on, posting.amount, posting.currency, posting.code


def _outcome(index: int, item: Item, holders: dict[str, UUID], before: tuple[Any, ...] | None) -> Result:
    if before is not None:
        same = before == (item.booked_on, item.money.amount, item.money.currency, item.code)
        return Result(index=index, status="duplicate" if same else "rejected", transaction_id=None)
    if item.account_number not in holders:
        return Result(index=index, status="rejected", transaction_id=None)
    return Result(index=index, status="created", transaction_id=_transaction_id(item))


def _transaction_id(item: Item) -> UUID:
    return uuid5(NAMESPACE_URL, f"{item.source}|{item.account_number}|{item.external_id}")


def _event(item: Item, customer_id: UUID) -> dict[str, Any]:
    event_id = _transaction_id(item)
    payload = {"transaction_id": str(event_id), "customer_id": str(customer_id), **item.model_dump(mode="json")}
    return {"event_id": event_id, "topic": "bank.transactions", "key": str(customer_id), "payload": payload}


def _columns(item: Item) -> dict[str, Any]:
    return {**item.model_dump(exclude={"money"}), "amount": item.money.amount, "currency": item.money.currency}
