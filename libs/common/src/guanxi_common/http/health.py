"""`/livez`, `/readyz`, `/metrics`, and the pages that problem types point to."""

from html import escape
from inspect import getdoc

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from guanxi_common.db.migrate import SchemaBehind, require_revision
from guanxi_common.errors import DomainError, NotFound, Unavailable
from guanxi_common.http.call import Edge


async def _live(_: Request) -> Response:
    """The event loop answers."""
    return JSONResponse({"status": "ok"})


async def _ready(request: Request) -> Response:
    """The database answers and is migrated. The bus is not asked: without it, writes still go into the outbox."""
    edge: Edge = request.app.state.edge
    try:
        async with edge.parts.database.transaction(readonly=True) as uow:
            await require_revision(uow, edge.parts.needed_revision)
    except SchemaBehind:
        raise Unavailable(headers={"Retry-After": "5"}) from None
    return JSONResponse({"status": "ready"})


async def _metrics(_: Request) -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def catalogue() -> dict[str, type[DomainError]]:
    """Every problem this process can answer with, by its code."""
    found: dict[str, type[DomainError]] = {}
    pending: list[type[DomainError]] = [DomainError]
    while pending:
        kind = pending.pop()
        pending.extend(kind.__subclasses__())
        found.setdefault(kind.code, kind)
    return dict(sorted(found.items()))


async def _problems(_: Request) -> Response:
    return _page("Problems", "".join(_entry(kind) for kind in catalogue().values()))


async def _problem(request: Request) -> Response:
    kind = catalogue().get(request.path_params["code"])
    if kind is None:
        raise NotFound
    return _page(kind.code, _entry(kind))


def _entry(kind: type[DomainError]) -> str:
    text = escape(getdoc(kind) or "").replace("`", "")
    titles = f"{escape(kind.title.en)} · {escape(kind.title.zh)}"
    return f"<h2 id='{kind.code}'>{kind.code} ({kind.status})</h2><p>{titles}</p><p>{text}</p>"


def _page(title: str, content: str) -> Response:
    return HTMLResponse(
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{title}</title><body>{content}</body></html>"
    )


def add_health_routes(app: FastAPI) -> None:
    for path, endpoint in (
        ("/livez", _live),
        ("/readyz", _ready),
        ("/metrics", _metrics),
        ("/problems", _problems),
        ("/problems/{code}", _problem),
    ):
        app.add_route(path, endpoint, methods=["GET"], include_in_schema=False)
