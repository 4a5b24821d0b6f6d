"""The application factory of the three services: everything at the edge that is not a slice."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi_offline import FastAPIOffline

from guanxi_common.http.call import Edge
from guanxi_common.http.health import add_health_routes
from guanxi_common.http.hot_route import HotRoute
from guanxi_common.http.middleware import ContextMiddleware, DeadlineMiddleware, HeadMiddleware, WorkMiddleware
from guanxi_common.http.openapi import complete
from guanxi_common.http.problems import install_problem_handlers
from guanxi_common.http.routes import StrictRoute
from guanxi_common.http.settings import HttpSettings, ServiceParts
from guanxi_common.parts import running


def create_service_app(
    settings: HttpSettings,
    parts: ServiceParts,
    *,
    routers: Sequence[APIRouter],
    hot_routes: Sequence[HotRoute] = (),
    title: str,
    description: str,
) -> FastAPI:
    """Build the ASGI application of a service.

    It has problem documents, authentication before bodies, strict bodies, limits and deadlines, request ids, `/livez`, `/readyz`,
    `/healthz`, `/metrics`, `/problems`, the OpenAPI document at `/openapi.json`, and `/docs` and `/redoc` that need no internet.
    `parts.open()` runs before the first request and `parts.close()` after the last.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await parts.open()
        try:
            async with running(parts.background):
                yield
        finally:
            await parts.close()

    app: FastAPI = FastAPIOffline(
        title=title,
        description=description,
        version="1.0.0",
        lifespan=lifespan,
        redirect_slashes=False,  # an address that redirects leaks tokens that were sent to the wrong one
        # Log records and operation spans would hold exception texts and arguments, which may be personal data.
        telemetry={"logs": False, "operation_spans": False, "metrics": False},
    )
    app.state.edge = Edge(parts, settings)
    add_health_routes(app)
    # In front of everything: routes are tried in turn.
    app.router.routes[:0] = [hot.route() for hot in hot_routes]
    for router in routers:
        if router.route_class is not StrictRoute:
            raise TypeError("make a slice's router with guanxi_common.http.routes.router")
        app.include_router(router)
    install_problem_handlers(app)
    # The last one added is the outermost.
    app.add_middleware(WorkMiddleware, most=settings.most_in_work)
    app.add_middleware(DeadlineMiddleware, body_timeout=settings.body_timeout, request_timeout=settings.request_timeout)
    app.add_middleware(ContextMiddleware)
    app.add_middleware(HeadMiddleware)
    _complete_openapi(app, settings, hot_routes)
    return app


def _complete_openapi(app: FastAPI, settings: HttpSettings, hot_routes: Sequence[HotRoute]) -> None:
    described = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = complete(described(), settings, hot_routes)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI documents for extending the document
