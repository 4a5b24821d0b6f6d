"""What a user would assemble instead: FastAPI, pydantic and SQLAlchemy in the ordinary way. Called in process, as ours is."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from fastapi import Depends, FastAPI
from pydantic import BaseModel
from sqlalchemy import BigInteger, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

App = Callable[..., Awaitable[None]]


class Base(DeclarativeBase):
    pass


class PeerCustomer(Base):
    __tablename__ = "peer_customer"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    customer_type: Mapped[str]
    language: Mapped[str]


class PeerTask(Base):
    __tablename__ = "peer_task"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(index=True)
    customer_id: Mapped[UUID]
    rank_key: Mapped[int] = mapped_column(BigInteger, index=True)
    reason_en: Mapped[str]
    reason_zh: Mapped[str]


class CustomerOut(BaseModel):
    id: UUID
    name: str
    customer_type: str
    language: str


class TaskOut(BaseModel):
    id: UUID
    owner_id: UUID
    customer_id: UUID
    rank_key: int
    reason_en: str
    reason_zh: str


def create_peer(url: str) -> tuple[FastAPI, Callable[[], Awaitable[None]]]:
    """The application and what makes its tables."""
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"), pool_size=10)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    app = FastAPI()

    async def session() -> Any:
        async with sessions() as opened:
            yield opened

    Session = Annotated[AsyncSession, Depends(session)]  # noqa: N806  # a type

    @app.get("/customers/{customer_id}")
    async def read_customer(customer_id: UUID, db: Session) -> CustomerOut:
        found = (await db.execute(select(PeerCustomer).where(PeerCustomer.id == customer_id))).scalar_one()
        return CustomerOut.model_validate(found, from_attributes=True)

    @app.get("/worklist/{owner_id}")
    async def worklist(owner_id: UUID, db: Session) -> list[TaskOut]:
        statement = select(PeerTask).where(PeerTask.owner_id == owner_id).order_by(PeerTask.rank_key).limit(50)
        return [TaskOut.model_validate(task, from_attributes=True) for task in (await db.execute(statement)).scalars()]

    async def prepare() -> None:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.drop_all)
            await connection.run_sync(Base.metadata.create_all)

    return app, prepare


def bare_app(pool: "asyncpg.Pool[Any]", statement: str, *arguments: Any) -> App:
    """The limit of a read: an ASGI application that selects and encodes, and nothing else."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        rows = await pool.fetch(statement, *arguments)
        body = msgspec.json.encode([dict(row) for row in rows], enc_hook=str)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": body})

    return app


async def call(app: App, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """One request straight into the application: what is measured is the server, not an HTTP client."""
    sent: list[dict[str, Any]] = []
    received = iter([{"type": "http.request", "body": body, "more_body": False}])
    never = asyncio.Event()

    async def receive() -> dict[str, Any]:
        first = next(received, None)
        if first is None:
            await never.wait()
        return first or {}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    path, _, query = path.partition("?")
    fields = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "headers": fields,
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {},
    }  # fmt: skip
    await app(scope, receive, send)
    if sent[0]["status"] >= 400:
        raise AssertionError(f"{method} {path} answered {sent[0]['status']}: {sent[1].get('body', b'')[:300]!r}")
    return b"".join(message.get("body", b"") for message in sent[1:])


async def concurrently(work: Callable[[], Awaitable[Any]], total: int, workers: int = 8) -> int:
    """Do `work` `total` times, `workers` at once."""

    async def some() -> None:
        for _ in range(total // workers):
            await work()

    await asyncio.gather(*(some() for _ in range(workers)))
    return total // workers * workers
