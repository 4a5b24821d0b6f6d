"""`/livez`, `/readyz`, `/healthz`, `/metrics`, and the pages that problem types point to."""

from collections.abc import Sequence
from html import escape
from inspect import getdoc

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from guanxi_common.db.migrate import SchemaUnfit, require_revision
from guanxi_common.errors import DomainError, NotFound, Text, Unavailable
from guanxi_common.http.call import Edge
from guanxi_common.parts import health_of


async def _live(_: Request) -> Response:
    """The event loop answers."""
    return JSONResponse({"status": "ok"})


async def _ready(request: Request) -> Response:
    """The database answers and is migrated, every master key in use is configured, and no erased customer is back.

    The bus is not asked: without it, writes still go into the outbox. A key store that is away makes nobody unready either; until
    it has answered once, nobody knows which keys it needs.
    """
    edge: Edge = request.app.state.edge
    try:
        async with edge.parts.database.transaction(readonly=True) as uow:
            await require_revision(uow, edge.parts.needed_revision)
    except SchemaUnfit as error:
        raise _not_ready(Text(str(error), f"数据库结构不符：{error}")) from None
    if edge.parts.key_watch is not None:
        _require_keys(edge.parts.key_watch.missing)
    if edge.parts.erasure_watch is not None and not edge.parts.erasure_watch.played:
        raise _not_ready(Text("the list of erasures has not been played again yet", "删除名单尚未重新执行"))
    return JSONResponse({"status": "ready"})


def _require_keys(missing: Sequence[str] | None) -> None:
    if missing is None:
        raise _not_ready(Text("the key store has not answered yet", "密钥库尚未响应"))
    if missing:
        ids = ", ".join(missing)
        raise _not_ready(Text(f"these master keys are needed and not configured: {ids}", f"缺少以下主密钥：{ids}"))


def _not_ready(detail: Text) -> Unavailable:
    return Unavailable(detail, headers={"Retry-After": "5"})


async def _healthy(request: Request) -> Response:
    """How each part fares; 200 however that is, since nobody may stop the whole for one part."""
    parts = request.app.state.edge.parts
    return JSONResponse(health_of(parts.service, "api", parts.background))


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
        ("/healthz", _healthy),
        ("/metrics", _metrics),
        ("/problems", _problems),
        ("/problems/{code}", _problem),
    ):
        app.add_route(path, endpoint, methods=["GET"], include_in_schema=False)
