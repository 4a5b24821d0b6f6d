"""The register of models over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from guanxi_common.errors import NotFound
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.pagination import Page, Paging, page_of
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from scoring_svc.register import repository, service
from scoring_svc.register.policy import Role
from scoring_svc.register.repository import Drift, ModelVersion
from scoring_svc.register.schemas import (
    ActivationRequest,
    DriftList,
    DriftOut,
    ModelDetailOut,
    ModelOut,
    Name,
    RollbackOut,
    StepOut,
    StepRequest,
)

models = router("models")

_ID, _OTHER = "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a20", "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a21"
_MODEL = {
    "id": _ID,
    "name": "retention",
    "number": 3,
    "kind": "logistic",
    "state": "back_tested",
    "trained_by": "staff:0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a22",
    "trained_at": "2026-11-23T12:00:09Z",
    "training": {"label": "leaves", "horizon_days": 90, "rows": 852, "positives": 54, "currencies": ["CNY"]},
    "back_test": {
        "protocol": "out of time, at 2026-07-31",
        "rows": 759,
        "positives": 50,
        "auc": {"value": 0.71, "low": 0.64, "high": 0.78},
        "average_precision": {"value": 0.19, "low": 0.11, "high": 0.27},
    },
    "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}
_STEP = {
    "from_state": None,
    "to_state": "candidate",
    "author": _MODEL["trained_by"],
    "at": _MODEL["trained_at"],
    "reason": f"training {_OTHER}",
}
_DRIFT = {
    "measured_on": "2026-11-23",
    "customers": 2000,
    "score_psi": 0.021,
    "features": [{"feature": "acts_90", "en": "own postings in 90 days", "zh": "近90天主动交易笔数", "psi": 0.084}],
    "comparison": {"challenger": "retention-4", "customers": 1980, "band_differs": 41},
}
_WHY = {"reason": "Back-test read; AUC holds out of time."}
_MARKDOWN: dict[int | str, dict[str, Any]] = {
    200: {"description": "Success", "content": {"text/markdown": {"schema": {"type": "string"}, "example": "# retention-3\n"}}}
}


@models.get(
    "/v1/models",
    operation_id="listModels",
    summary="Versions of models, the latest first",
    **documented(Page[ModelOut], {"data": [_MODEL], "next_cursor": None}),
)
async def list_models(
    paging: Paging,
    call: Annotated[Call, permission("model.read")],
    name: Annotated[Name | None, Query(description="Only versions of this name.")] = None,
) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    async with call.read() as read:
        found = await repository.list_versions(read.uow, name=name, past=past, limit=paging.limit + 1)
        return read.reply(page_of(found, paging, cursor, key=lambda one: (one.trained_at, one.id), item=_out))


@models.get(
    "/v1/models/{model_id}",
    operation_id="readModel",
    summary="A version with its back-test and every step it took",
    **documented(ModelDetailOut, {**_MODEL, "steps": [_STEP]}),
)
async def read_model(model_id: UUID, call: Annotated[Call, permission("model.read")]) -> Response:
    async with call.read() as read:
        version = await repository.read_version(read.uow, model_id)
        if version is None:
            raise NotFound
        steps = await repository.list_steps(read.uow, model_id)
        told = [StepOut(**{name: getattr(step, name) for name in StepOut.model_fields}) for step in steps]
        return read.reply(ModelDetailOut(**_members(version), steps=told))


@models.get(
    "/v1/models/{model_id}/card",
    operation_id="readModelCard",
    summary="The model card (模型说明)",
    response_class=Response,
    responses=_MARKDOWN,
)
async def read_model_card(model_id: UUID, call: Annotated[Call, permission("model.read")]) -> Response:
    async with call.read() as read:
        card = await repository.read_card(read.uow, model_id)
        if card is None:
            raise NotFound
        return Response(card, headers={"Cache-Control": "no-store"}, media_type="text/markdown")


@models.get(
    "/v1/models/{model_id}/drift",
    operation_id="readModelDrift",
    summary="How far score and features have moved from the training (PSI)",
    **documented(DriftList, {"data": [_DRIFT]}),
)
async def read_model_drift(model_id: UUID, call: Annotated[Call, permission("model.read")]) -> Response:
    async with call.read() as read:
        if await repository.read_version(read.uow, model_id) is None:
            raise NotFound
        found = await repository.list_drift(read.uow, model_id, limit=90)
        return read.reply(DriftList(data=[_drift_out(one) for one in found]))


@models.post(
    "/v1/models/{model_id}:approve",
    operation_id="approveModel",
    summary="Approve a back-tested version; not by who had it trained (第二人批准)",
    **documented(ModelOut, {**_MODEL, "state": "approved"}, request=_WHY),
)
async def approve_model(model_id: UUID, body: StepRequest, call: Annotated[Call, permission("model.approve")]) -> Response:
    async with call.write() as write:
        version = await service.approve(write.work, model_id, body.reason)
        await audit.record(write.uow, write.audit, model_id, ("state",), subject_type="model")
        return await write.reply(200, _out(version))


@models.post(
    "/v1/models/{model_id}:activate",
    operation_id="activateModel",
    summary="Score customers by an approved version, or have it score in the shadow (启用)",
    **documented(
        ModelOut,
        {**_MODEL, "state": "active"},
        request={"role": "champion", "replaces": None, "reason": "Approved on 2026-11-24."},
    ),
)
async def activate_model(
    model_id: UUID, body: ActivationRequest, call: Annotated[Call, permission("model.activate")]
) -> Response:
    async with call.write() as write:
        version = await service.activate(write.work, model_id, Role(body.role), body.replaces, body.reason)
        await audit.record(write.uow, write.audit, model_id, ("state",), subject_type="model")
        return await write.reply(200, _out(version))


@models.post(
    "/v1/models/{model_id}:rollback",
    operation_id="rollbackModel",
    summary="Retire the active version and return to the one it replaced (回退)",
    **documented(RollbackOut, {"retired": {**_MODEL, "state": "retired"}, "active": None}, request=_WHY),
)
async def rollback_model(model_id: UUID, body: StepRequest, call: Annotated[Call, permission("model.activate")]) -> Response:
    async with call.write() as write:
        returned = await service.roll_back(write.work, model_id, body.reason)
        retired = await repository.read_version(write.uow, model_id)
        if retired is None:
            raise NotFound
        await audit.record(write.uow, write.audit, model_id, ("state",), subject_type="model")
        return await write.reply(200, RollbackOut(retired=_out(retired), active=_out(returned) if returned else None))


def _members(version: ModelVersion) -> dict[str, Any]:
    return {name: getattr(version, name) for name in ModelOut.model_fields}


def _out(version: ModelVersion) -> ModelOut:
    return ModelOut(**_members(version))


def _drift_out(drift: Drift) -> DriftOut:
    return DriftOut(measured_on=drift.measured_on, customers=drift.customers, **drift.result)
