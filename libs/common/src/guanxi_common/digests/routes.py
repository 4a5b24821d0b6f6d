"""The operators' view of the digests of a service."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from guanxi_common.digests import repository
from guanxi_common.http.bodies import Answer
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit

_DIGEST = {
    "type": "bank.transactions",
    "state": "differs",
    "taken_at": "2026-11-23T02:00:00Z",
    "until": "2026-11-22",
    "compared_at": "2026-11-23T02:00:41Z",
    "buckets_differing": [17],
}


class DigestOut(Answer):
    """How a type stands. `buckets_differing`: numbers 0 to 255, the first byte of MD5 of the key (customer id) of the rows concerned."""

    type: str
    state: str
    taken_at: datetime | None
    until: date | None
    compared_at: datetime | None
    buckets_differing: list[int]


class DigestsOut(Answer):
    data: list[DigestOut]


def routes(service: str) -> APIRouter:
    """`GET /v1/<service>/digests`."""
    digests = router("operations")

    @digests.get(
        f"/v1/{service}/digests",
        operation_id="listDigests",
        summary="Whether what this service keeps of others agrees with them",
        description="Each type was compared at the offsets at which its owner took the digest. A bucket differs once it did twice"
        " in a row without moving.",
        **documented(DigestsOut, {"data": [_DIGEST]}),
    )
    async def list_digests(call: Annotated[Call, permission("dead_letter.read")]) -> Response:
        async with call.read() as read:
            found = await repository.list_comparisons(read.uow)
            await audit.record(read.uow, read.audit, service, ("digests",), subject_type="service")
            return read.reply(DigestsOut(data=[_out(comparison) for comparison in found]))

    return digests


def _out(comparison: repository.Comparison) -> DigestOut:
    return DigestOut(
        type=comparison.type,
        state=state_of(comparison),
        taken_at=comparison.taken_at,
        until=comparison.until,
        compared_at=comparison.compared_at,
        buckets_differing=comparison.differing,
    )


def state_of(comparison: repository.Comparison | None) -> str:
    """`not_compared_yet`, `differs` or `agrees`."""
    if comparison is None or comparison.compared_at is None:
        return "not_compared_yet"
    return "differs" if comparison.differing else "agrees"
