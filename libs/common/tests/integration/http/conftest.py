"""A small service with both kinds of routes on a real database, called in process."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Annotated
from uuid import UUID, uuid5

import httpx
import msgspec
import pytest
from fastapi import FastAPI
from guanxi_common.clock import SystemClock
from guanxi_common.context import current_context
from guanxi_common.db.uow import Database, UnitOfWork, create_engine
from guanxi_common.errors import (
    BodyTooLarge,
    Conflict,
    FieldError,
    Forbidden,
    IdempotencyKeyReused,
    InvalidCursor,
    InvalidInput,
    NotFound,
    PreconditionRequired,
    RequestInFlight,
    StaleVersion,
    Text,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)
from guanxi_common.http.app import create_service_app
from guanxi_common.http.bodies import BULK_BODY_LIMIT, Body, Int8, Prose
from guanxi_common.http.call import Call, Permission, permission
from guanxi_common.http.hot_route import hot_route
from guanxi_common.http.idempotency import IdempotencyAnswer
from guanxi_common.http.pagination import Page, Paging, page_of
from guanxi_common.http.problems import BadRequest, SlowBody
from guanxi_common.http.routes import PUBLIC, router
from guanxi_common.http.settings import HttpSettings, ServiceParts
from guanxi_common.security.audit import repository as audit
from guanxi_common.security.audit.tables import AUDIT_TABLES
from guanxi_common.security.principal import Identity, Principal, ScopeKind
from pydantic import BaseModel
from sqlalchemy.schema import CreateTable
from starlette.responses import JSONResponse, Response

SPACE = UUID(int=7)
GRANTS = {"note.write": ScopeKind.ALL, "note.read": ScopeKind.ALL, "note.search": ScopeKind.ALL}


class NoteBody(Body):
    name: Prose
    amount: Int8
    birth_date: date | None = None


class NoteOut(BaseModel):
    id: int
    name: str
    version: int


class HotNote(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1)]
    amount: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
    birth_date: date | None = None


class HotAnswer(msgspec.Struct):
    name: str


class Tokens:
    """Every name is a valid token, but `bad`."""

    async def verify(self, token: str) -> Identity:
        if token == "bad":
            raise Unauthenticated
        return Identity("issuer", token, "staff")


async def resolve(uow: UnitOfWork, identity: Identity) -> Principal:
    grants = {} if identity.subject == "teller" else GRANTS
    return Principal(identity, uuid5(SPACE, identity.subject), "relationship_manager", None, (), grants)


notes = router("notes")


@notes.post("/v1/notes", status_code=201, operation_id="writeNote", response_model=NoteOut)
async def write_note(body: NoteBody, call: Annotated[Call, permission("note.write")]) -> Response:
    async with call.write() as write:
        note_id = await write.uow.driver.fetchval("INSERT INTO note (name) VALUES ($1) RETURNING id", body.name)
        out = NoteOut(id=note_id, name=body.name, version=1)
        await audit.record(write.uow, write.audit, "some", ("name",), subject_type="note")
        return await write.reply(201, out, etag=1, location=f"/v1/notes/{note_id}")


@notes.get("/v1/notes", operation_id="listNotes", response_model=Page[NoteOut])
async def list_notes(call: Annotated[Call, permission("note.read")], page: Paging, name: str | None = None) -> Response:
    async with call.read() as read:
        cursor = call.cursor()
        after = cursor.decode(page.cursor) or (0,)
        rows = await read.uow.driver.fetch(
            "SELECT * FROM note WHERE id > $1 AND ($2::text IS NULL OR name = $2) ORDER BY id LIMIT $3",
            after[0],
            name,
            page.limit + 1,
        )
        return read.reply(page_of(rows, page, cursor, key=lambda row: (row["id"],), item=lambda row: NoteOut(**row)))


@notes.get("/v1/notes/{note_id}", operation_id="readNote", response_model=NoteOut)
async def read_note(note_id: Int8, call: Annotated[Call, permission("note.read")]) -> Response:
    async with call.read() as read:
        row = await read.uow.driver.fetchrow("SELECT * FROM note WHERE id = $1", note_id)
        if row is None:
            raise NotFound
        return read.reply(NoteOut(**row), etag=row["version"])


@notes.patch("/v1/notes/{note_id}", operation_id="changeNote", response_model=NoteOut)
async def change_note(note_id: Int8, body: NoteBody, call: Annotated[Call, permission("note.write")]) -> Response:
    async with call.write() as write:
        row = await write.uow.driver.fetchrow("SELECT * FROM note WHERE id = $1 FOR UPDATE", note_id)
        if row is None:
            raise NotFound
        write.work.check_version(row["version"])
        change = "UPDATE note SET name = $2, version = version + 1 WHERE id = $1 RETURNING *"
        changed = NoteOut(**await write.uow.driver.fetchrow(change, note_id, body.name))
        await audit.record(write.uow, write.audit, "some", ("name",), subject_type="note")
        return await write.reply(200, changed, etag=changed.version)


class Statement(Body):
    sql: str


@notes.post("/v1/notes:run", operation_id="runStatement", response_model=None)
async def run_statement(body: Statement, call: Annotated[Call, permission("note.write", idempotent=False)]) -> Response:
    """Whatever the test wants to go wrong in the database."""
    async with call.write() as write:
        await write.uow.driver.execute(body.sql)
        await audit.record(write.uow, write.audit, "some", ("name",), subject_type="note")
        return await write.reply(204)


@notes.post("/v1/notes:forget", operation_id="forgetReply", response_model=None)
async def forget_reply(call: Annotated[Call, permission("note.write", idempotent=False)]) -> Response:
    async with call.write() as write:
        await write.uow.driver.execute("INSERT INTO note (name) VALUES ('forgotten')")
    return Response()


@notes.post("/v1/notes:unlogged", operation_id="writeUnlogged", response_model=None)
async def write_unlogged(call: Annotated[Call, permission("note.write", idempotent=False)]) -> Response:
    """A write that nobody would ever know of."""
    async with call.write() as write:
        await write.uow.driver.execute("INSERT INTO note (name) VALUES ('unlogged')")
        return await write.reply(201)


REFUSALS: dict[str, Callable[[], Exception]] = {
    "bad request": BadRequest,
    "bad cursor": InvalidCursor,
    "unauthenticated": Unauthenticated,
    "forbidden": Forbidden,
    "not found": NotFound,
    "slow body": SlowBody,
    "conflict": lambda: Conflict(Text("Already closed.", "已关闭。")),
    "conflict for now": lambda: Conflict(headers={"Retry-After": "3"}),
    "in flight": RequestInFlight,
    "stale version": StaleVersion,
    "too large": BodyTooLarge,
    "media type": UnsupportedMediaType,
    "rule": lambda: InvalidInput(errors=[FieldError("/amount", "above_limit", Text("Above the limit.", "超出限额。"))]),
    "key reused": IdempotencyKeyReused,
    "no version": PreconditionRequired,
    "too many": TooManyRequests,
    "fault": LookupError,
    "unavailable": Unavailable,
}
"""What a use case may raise, by the word that the test asks for it with."""


class Question(Body):
    refusal: str


@notes.post("/v1/notes:judge", operation_id="judgeNote", response_model=None)
async def judge_note(body: Question, call: Annotated[Call, permission("note.write")]) -> Response:
    """Writes, and is refused after that unless there is a note called `allowed`."""
    async with call.write() as write:
        await write.uow.driver.execute("INSERT INTO note (name) VALUES ('effect')")
        if not await write.uow.driver.fetchval("SELECT count(*) FROM note WHERE name = 'allowed'"):
            if body.refusal == "database":
                await write.uow.driver.execute("INSERT INTO note OVERRIDING SYSTEM VALUE VALUES (1, 'a', 1), (1, 'b', 1)")
            raise REFUSALS[body.refusal]()
        await audit.record(write.uow, write.audit, "0", ("name",), subject_type="note")
        return await write.reply(201, NoteOut(id=0, name="judged", version=1))


@notes.post("/v1/notes:search", operation_id="searchNotes", response_model=None)
async def search_notes(call: Annotated[Call, permission("note.search", rate="search", idempotent=False)]) -> Response:
    async with call.read() as read:
        return read.reply(b"{}")


@notes.get("/v1/context", operation_id="showContext", response_model=None)
async def show_context(call: Annotated[Call, permission("note.read")]) -> Response:
    context = current_context()
    return JSONResponse(
        {
            "actor": context.actor,
            "request_id": context.request_id,
            "traceparent": context.traceparent,
            "purpose": call.audit.purpose,
        }
    )


@notes.get("/v1/notes-open", operation_id="openNotes", openapi_extra=PUBLIC, response_model=None)
async def open_notes() -> Response:
    raise ValueError("the identity number is 110101199003077758")


@hot_route(
    "POST",
    "/v1/hot-notes",
    permission=Permission("note.write"),
    operation_id="writeHotNote",
    tag="notes",
    summary="Write a note fast",
    request=HotNote,
    response=HotAnswer,
    request_example={"name": "Li Wei", "amount": 5},
    response_example={"name": "Li Wei"},
    status=201,
)
async def write_hot_note(call: Call, note: HotNote) -> Response:
    async with call.write() as write:
        await write.uow.driver.execute("INSERT INTO note (name) VALUES ($1)", note.name)
        await audit.record(write.uow, write.audit, "some", ("name",), subject_type="note")
        return await write.reply(201, HotAnswer(note.name))


@hot_route(
    "POST",
    "/v1/hot-notes:batchCreate",
    permission=Permission("note.write", rate="bulk", idempotent=False),
    operation_id="batchCreateHotNotes",
    tag="notes",
    summary="Write many notes",
    request=HotNote,
    response=HotAnswer,
    request_example={"name": "Li Wei", "amount": 5},
    response_example={"name": "Li Wei"},
    max_body_size=BULK_BODY_LIMIT,
)
async def batch_hot_notes(call: Call, note: HotNote) -> Response:
    async with call.write() as write:
        await audit.record(write.uow, write.audit, "some", ("name",), subject_type="note")
        return await write.reply(200, HotAnswer(note.name[:10]))


@hot_route(
    "GET",
    "/v1/hot-notes/{note_id:int}",
    permission=Permission("note.read"),
    operation_id="readHotNote",
    tag="notes",
    summary="Read a note fast",
    response=HotAnswer,
    response_example={"name": "Li Wei"},
    parameters=({"name": "note_id", "in": "path", "required": True, "schema": {"type": "integer"}},),
)
async def read_hot_note(call: Call) -> Response:
    async with call.read(one_statement=True) as read:
        select = "SELECT id, name FROM note WHERE id = $1"
        statement, arguments = audit.audited_read(select, call.audit, ("name",), first_parameter=2, subject_type="note")
        row = await read.uow.driver.fetchrow(statement, call.request.path_params["note_id"], *arguments)
    if row is None:
        raise NotFound
    return read.reply(HotAnswer(row["name"]))


@dataclass(frozen=True, slots=True)
class Service:
    app: FastAPI
    client: httpx.AsyncClient
    database: Database
    url: str


async def create_tables(url: str) -> None:
    database = Database(create_engine(url))
    async with database.transaction() as uow:
        for table in (IdempotencyAnswer.__table__, *AUDIT_TABLES):
            await uow.execute(CreateTable(table))
        await uow.driver.execute(
            "CREATE TABLE note (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL,"
            " version int NOT NULL DEFAULT 1)"
        )
        await uow.commit()
    await database.dispose()


def make_app(url: str, **changes: object) -> tuple[FastAPI, Database]:
    database = Database(create_engine(url))
    settings = HttpSettings(**{"secrets": (b"s" * 32,), "principal_ttl": 60, **changes})  # type: ignore[arg-type]
    parts = ServiceParts(database=database, clock=SystemClock(), tokens=Tokens(), resolve_principal=resolve)
    app = create_service_app(
        settings,
        parts,
        routers=[notes],
        hot_routes=[write_hot_note, batch_hot_notes, read_hot_note],
        title="Notes",
        description="A service for tests.",
    )
    return app, database


@pytest.fixture
async def note_url(empty_database: str) -> str:
    await create_tables(empty_database)
    return empty_database


@asynccontextmanager
async def running(url: str, **changes: object) -> AsyncIterator[Service]:
    app, database = make_app(url, **changes)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Authorization": "Bearer rm-a"}
    async with httpx.AsyncClient(transport=transport, base_url="http://notes", headers=headers) as client:
        yield Service(app, client, database, url)
    await database.dispose()


@pytest.fixture
async def service(note_url: str) -> AsyncIterator[Service]:
    async with running(note_url) as service:
        yield service


Start = Callable[..., AbstractAsyncContextManager[Service]]


@pytest.fixture
def start(note_url: str) -> Start:
    """Starts a service with other settings: `async with start(rates=…) as service`."""
    return partial(running, note_url)
