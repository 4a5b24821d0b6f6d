"""Trainings over HTTP."""

from typing import Annotated
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from scoring_svc.parts import parts_of
from scoring_svc.trainings import repository, service
from scoring_svc.trainings.repository import Training
from scoring_svc.trainings.schemas import TrainingOut, TrainingRequest

trainings = router("models")

_ID = "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a21"
_REQUEST = {
    "name": "retention",
    "kind": "logistic",
    "label": "leaves",
    "train_cuts": ["2026-03-31", "2026-04-30"],
    "test_cut": "2026-07-31",
    "horizon_days": 90,
}


_TRAINING = {
    "id": _ID,
    "name": "retention",
    "request": _REQUEST,
    "state": "queued",
    "requested_by": "staff:0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a22",
    "requested_at": "2026-11-23T12:00:00Z",
    "finished_at": None,
    "result": None,
}


@trainings.post(
    "/v1/model-trainings",
    operation_id="startModelTraining",
    summary="Train and back-test a version of a model on the bank's own book (模型训练)",
    **documented(TrainingOut, _TRAINING, status=202, request=_REQUEST),
)
async def start_model_training(body: TrainingRequest, call: Annotated[Call, permission("model.train")]) -> Response:
    async with call.write() as write:
        training = await service.request_training(write.uow, parts_of(call).method, body, call.principal.actor, write.now)
        await audit.record(write.uow, write.audit, training.id, ("request",), subject_type="model_training")
        return await write.reply(202, _training_out(training), location=f"/v1/model-trainings/{training.id}")


@trainings.get(
    "/v1/model-trainings/{training_id}",
    operation_id="readModelTraining",
    summary="How far a training is",
    **documented(TrainingOut, _TRAINING),
)
async def read_model_training(training_id: UUID, call: Annotated[Call, permission("model.read")]) -> Response:
    async with call.read() as read:
        training = await repository.read_training(read.uow, training_id)
        if training is None:
            raise NotFound
        return read.reply(_training_out(training))


def _training_out(training: Training) -> TrainingOut:
    return TrainingOut(**{name: getattr(training, name) for name in TrainingOut.model_fields})
