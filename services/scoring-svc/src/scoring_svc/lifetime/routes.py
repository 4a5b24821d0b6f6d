"""Fits of the lifetime model over HTTP."""

from collections.abc import Mapping
from typing import Annotated, Any

from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.pagination import Page, Paging, page_of
from guanxi_common.http.routes import router
from starlette.responses import Response

from scoring_svc.lifetime import repository
from scoring_svc.lifetime.schemas import LifetimeModelOut

lifetime_models = router("book runs")

_MODEL = {
    "id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a13",
    "as_of": "2026-11-23",
    "state": "active",
    "customers": 2357,
    "parameters": {"r": 0.2426, "alpha": 4.4135, "a": 0.7929, "b": 2.4258},
    "standard_errors": {"r": 0.0126, "alpha": 0.3782, "a": 0.1857, "b": 0.7053},
    "log_likelihood": -9582.4256,
    "refusal": None,
    "refusal_en": None,
    "refusal_zh": None,
    "fitted_at": "2026-11-23T12:00:01Z",
}


@lifetime_models.get(
    "/v1/lifetime-models",
    operation_id="listLifetimeModels",
    summary="Fits of the lifetime model, the latest first",
    **documented(Page[LifetimeModelOut], {"data": [_MODEL], "next_cursor": None}),
)
async def list_lifetime_models(paging: Paging, call: Annotated[Call, permission("lifetime_model.read")]) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    async with call.read() as read:
        found = await repository.list_models(read.uow, past=past, limit=paging.limit + 1)
        return read.reply(page_of(found, paging, cursor, key=lambda row: (row["fitted_at"], row["id"]), item=_model_out))


def _model_out(row: Mapping[Any, Any]) -> LifetimeModelOut:
    return LifetimeModelOut(**{name: row[name] for name in LifetimeModelOut.model_fields})
