"""The route class of every FastAPI operation: authenticated first, then the body read strictly, then the handler.

The order of refusals is that of the wall: 401, 429, 403, then 422 for a parameter that is not known, then 413, 408, 415, 400, 422.
Nobody learns from an error in a body what they may not call, and a body is not even received for someone who may not send it.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, cast

from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from guanxi_common.http.bodies import BODY_LIMIT, parse_body, read_body, require_json
from guanxi_common.http.call import BODY_KEY, CALL_KEY, Permission, open_call
from guanxi_common.http.idempotency import IdempotentReplay
from guanxi_common.http.queries import require_known

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_WITH_BODY = ("POST", "PUT", "PATCH")
PERMISSION_KEY = "x-permission"


def router(tag: str) -> APIRouter:
    """The router of a slice. Every operation on it names its permission and its operationId, or is `openapi_extra=PUBLIC`."""
    return APIRouter(route_class=StrictRoute, tags=[tag])


PUBLIC: dict[str, Any] = {"security": []}
"""The `openapi_extra` of an operation that needs no token."""


class StrictRoute(APIRoute):
    """An operation. `max_body_size` in bytes (default 256 KiB); a body parameter is validated in pydantic's strict JSON mode."""

    def __init__(self, path: str, endpoint: Callable[..., Any], *, max_body_size: int | None = None, **options: Any) -> None:
        # Not passed on: FastAPI's own limit answers 413 before 401, and as plain text.
        self.body_limit = max_body_size or BODY_LIMIT
        super().__init__(path, endpoint, **options)
        demanded = _permission(self.dependant)
        extra = dict(self.openapi_extra or {})
        if demanded is None and extra.get("security") != []:
            raise TypeError(f"{path}: the operation names no permission and is not public")
        if self.operation_id is None:
            raise TypeError(f"{path}: the operation has no operation_id")
        if demanded is not None:
            method = next(iter(self.methods or {"GET"}))
            self.openapi_extra = {**extra, **security_members(demanded, method)}

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        demanded = _permission(self.dependant)
        operation = self.operation_id or self.name
        adapter = TypeAdapter[Any](cast("Any", self.body_field.field_info.annotation)) if self.body_field else None
        parameters = tuple(field.alias for field in get_flat_params(self.dependant) if isinstance(field.field_info, Query))

        async def strict(request: Request) -> Response:
            if demanded is not None:
                request.scope[CALL_KEY] = await open_call(request, demanded, operation)
            require_known(request, parameters)
            if request.method in _WITH_BODY:
                await self._receive(request, adapter)
            return await replaying(handle(request))

        return strict

    async def _receive(self, request: Request, adapter: "TypeAdapter[Any] | None") -> None:
        """Read the body; leave its bytes for the idempotency check, and its value where FastAPI looks for it."""
        body = await read_body(request, self.body_limit)
        request.scope[BODY_KEY] = body
        request._body = body  # noqa: SLF001  # Starlette's own cache: its stream can be read but once
        if adapter is not None and body:
            require_json(request)
            request._json = parse_body(adapter, body)  # noqa: SLF001


async def replaying(answer: Awaitable[Response]) -> Response:
    """The response, or the stored one if the request turns out to have been answered before."""
    try:
        return await answer
    except IdempotentReplay as replay:
        return replay.answer.response()


def security_members(demanded: Permission, method: str) -> dict[str, Any]:
    """What the OpenAPI operation says about its permission; `openapi.complete` turns it into parameters and responses."""
    return {
        "security": [{"bearer": []}],
        PERMISSION_KEY: demanded.name,
        "x-rate": demanded.rate,
        "x-idempotency-key": demanded.needs_key(method),
        "x-if-match": demanded.needs_version(method),
    }


def _permission(dependant: Dependant) -> Permission | None:
    found = [one.call for one in dependant.dependencies if isinstance(one.call, Permission)]
    if len(found) > 1:
        raise TypeError(f"{dependant.path}: an operation has one permission")
    return found[0] if found else None
