"""The few hottest routes: thin Starlette routes with msgspec bodies, behind the same wall and in the same OpenAPI document.

```python
@hot_route("POST", "/v1/transactions:batchCreate", permission=Permission("transaction.report", rate="bulk", idempotent=False),
           operation_id="batchCreateTransactions", tag="transactions", summary="…", request=Batch, response=BatchAnswer,
           request_example={…}, response_example={…}, max_body_size=BULK_BODY_LIMIT)
async def batch_create(call: Call, batch: Batch) -> Response: ...
```
FastAPI's dependency solving costs 17–45 % of such a request. Path and query parameters are in `call.request`.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from guanxi_common.errors import InvalidInput
from guanxi_common.http.bodies import BODY_LIMIT, read_body, require_json
from guanxi_common.http.call import BODY_KEY, Call, Permission, open_call
from guanxi_common.http.hot_bodies import BatchDecoder, HotDecoder
from guanxi_common.http.problems import field_errors
from guanxi_common.http.queries import require_known
from guanxi_common.http.routes import replaying

Endpoint = Callable[..., Awaitable[Response]]
_CONVERTER = re.compile(r":\w+}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HotRoute:
    """A hot operation, given to `create_service_app`. `path` takes Starlette's converters (`{customer_id:uuid}`).

    With `item_by_item` the request's only field is `items`, and the endpoint is `(call, body, unreadable)`: see `BatchDecoder`.
    A pydantic `response` only documents what the endpoint sends, where other operations answer with the same model.
    """

    method: str
    path: str
    endpoint: Endpoint
    permission: Permission
    operation_id: str
    tag: str
    summary: str
    response: type[msgspec.Struct] | type[BaseModel]
    response_example: Any
    request: type[msgspec.Struct] | None = None
    request_example: Any = None
    status: int = 200
    description: str = ""
    parameters: Sequence[dict[str, Any]] = field(default=())
    max_body_size: int = BODY_LIMIT
    item_by_item: bool = False

    @property
    def openapi_path(self) -> str:
        return _CONVERTER.sub("}", self.path)

    def route(self) -> Route:
        decode = self._decode()
        parameters = tuple(parameter["name"] for parameter in self.parameters if parameter["in"] == "query")

        async def handle(request: Request) -> Response:
            request.scope["route"] = route
            call = await open_call(request, self.permission, self.operation_id)
            require_known(request, parameters)
            if decode is None:
                return await replaying(self.endpoint(call))
            body = await read_body(request, self.max_body_size)
            require_json(request)
            request.scope[BODY_KEY] = body
            return await replaying(self.endpoint(call, *decode(body)))

        route = Route(self.path, handle, methods=[self.method], name=self.operation_id, include_in_schema=False)
        return route

    def _decode(self) -> Callable[[bytes], tuple[Any, ...]] | None:
        """What the body becomes: the endpoint's further arguments."""
        if self.request is None:
            return None
        if self.item_by_item:
            return BatchDecoder(self.request).decode
        whole = HotDecoder(self.request)
        return lambda body: (whole.decode(body),)


def id_parameter(name: str) -> dict[str, Any]:
    """The OpenAPI parameter of an id in the path, which `id_in_path` reads."""
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}


def id_in_path(call: Call, name: str) -> UUID:
    """The id in the path, which has no converter; raises `InvalidInput` as a FastAPI route does, where a converter makes it a 404."""
    try:
        return UUID(call.request.path_params[name])
    except ValueError:
        raise InvalidInput(errors=field_errors([{"loc": ("path", name), "type": "uuid_parsing"}])) from None


def hot_route(method: str, path: str, **options: Any) -> Callable[[Endpoint], HotRoute]:
    """Declare the decorated endpoint, `(call)` or `(call, body)`, as a `HotRoute`; the options are its fields."""

    def declare(endpoint: Endpoint) -> HotRoute:
        return HotRoute(method=method, path=path, endpoint=endpoint, **options)

    return declare
