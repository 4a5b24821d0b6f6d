"""Book runs and models over HTTP."""

from typing import Annotated
from uuid import UUID

from guanxi_common.errors import NotFound
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from scoring_svc.parts import parts_of
from scoring_svc.runs import repository, service
from scoring_svc.runs.repository import ScoreRun
from scoring_svc.runs.schemas import ScoreRunOut, ScoreRunRequest

runs = router("book runs")

_RUN = {
    "id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a12",
    "as_of": "2026-11-23",
    "state": "queued",
    "requested_at": "2026-11-23T12:00:00Z",
    "started_at": None,
    "finished_at": None,
    "stage": None,
    "rows_done": None,
    "rows_total": None,
    "result": None,
}
_UNDER_WAY = {
    **_RUN,
    "state": "running",
    "started_at": "2026-11-23T12:00:01Z",
    "stage": "scoring",
    "rows_done": 393216,
    "rows_total": 1000000,
}


@runs.post(
    "/v1/score-runs",
    operation_id="startScoreRun",
    summary="Fit the lifetime model, freeze the RFM bands and score the whole book",
    **documented(ScoreRunOut, _RUN, status=202, request={"as_of": "2026-11-23"}),
)
async def start_score_run(body: ScoreRunRequest, call: Annotated[Call, permission("score_run.start")]) -> Response:
    async with call.write() as write:
        run = await service.request_run(write.uow, parts_of(call).method, body.as_of, call.principal.actor, write.now)
        await audit.record(write.uow, write.audit, run.id, ("request",), subject_type="score_run")
        return await write.reply(202, _run_out(run), location=f"/v1/score-runs/{run.id}")


@runs.get(
    "/v1/score-runs/{run_id}",
    operation_id="readScoreRun",
    summary="How far a book run is",
    **documented(ScoreRunOut, _UNDER_WAY),
)
async def read_score_run(run_id: UUID, call: Annotated[Call, permission("score_run.read")]) -> Response:
    async with call.read() as read:
        run = await repository.read_run(read.uow, run_id)
        if run is None:
            raise NotFound
        return read.reply(_run_out(run))


@runs.post(
    "/v1/score-runs/{run_id}:cancel",
    operation_id="cancelScoreRun",
    summary="Cancel a book run that has not exchanged the book yet",
    **documented(ScoreRunOut, {**_RUN, "state": "cancelled", "finished_at": "2026-11-23T12:00:02Z"}),
)
async def cancel_score_run(run_id: UUID, call: Annotated[Call, permission("score_run.cancel")]) -> Response:
    async with call.write() as write:
        run = await service.cancel_run(write.uow, run_id, write.now)
        await audit.record(write.uow, write.audit, run_id, ("state",), subject_type="score_run")
        return await write.reply(200, _run_out(run))


def _run_out(run: ScoreRun) -> ScoreRunOut:
    names = set(ScoreRunOut.model_fields) - {"result"}
    return ScoreRunOut(**{name: getattr(run, name) for name in names}, result=dict(run.result) if run.result else None)
