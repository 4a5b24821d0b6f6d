"""The data desk's cases over HTTP."""

from typing import Annotated, Any, Final
from uuid import UUID

from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.pagination import Page, Paging, page_of
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from starlette.responses import Response

from customer_svc.match_cases import repository, service
from customer_svc.match_cases.policy import MatchCase
from customer_svc.match_cases.schemas import CaseDecision, MatchCaseOut

match_cases = router("customers")

_CASE: Final[dict[str, Any]] = {
    "id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a70",
    "case_number": "M000042",
    "customer_id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10",
    "asked_by": "staff:7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f02",
    "opened_at": "2026-11-28T02:00:00Z",
    "outcome": None,
    "note": None,
    "closed_by": None,
    "closed_at": None,
}
_DECISION = {"outcome": "same_person", "note": "Both outlets saw the same card; the present file serves."}
_CLOSED = {
    **_CASE,
    **_DECISION,
    "closed_by": "staff:7c0a2a3e-6a53-5a4e-9b9e-0e6c9d1c1f03",
    "closed_at": "2026-11-28T03:00:00Z",
}


@match_cases.get(
    "/v1/match-cases",
    operation_id="listMatchCases",
    summary="Attempts to file an identity document that another file has; the latest first",
    **documented(Page[MatchCaseOut], {"data": [_CASE], "next_cursor": None}),
)
async def list_match_cases(
    paging: Paging, call: Annotated[Call, permission("customer.match")], is_open: bool | None = None
) -> Response:
    cursor = call.cursor()
    past = cursor.decode(paging.cursor)
    async with call.read() as read:
        cases = await repository.list_cases(read.uow, is_open=is_open, past=past, limit=paging.limit + 1)
        page = page_of(cases, paging, cursor, key=lambda case: (case.opened_at, case.id), item=_out)
        await audit.record_many(read.uow, read.audit, [case.customer_id for case in page.data], ("identity_document",))
        return read.reply(page)


@match_cases.post(
    "/v1/match-cases/{case_id}:close",
    operation_id="closeMatchCase",
    summary="Say what the data desk found: one person, or a document that was entered wrongly",
    **documented(
        MatchCaseOut,
        _CLOSED,
        request=_DECISION,
        request_zh={"outcome": "entered_wrongly", "note": "证件号码末四位录入有误，已更正。"},
    ),
)
async def close_match_case(case_id: UUID, body: CaseDecision, call: Annotated[Call, permission("customer.match")]) -> Response:
    async with call.write() as write:
        case = await service.close_case(write.work, case_id, body)
        await audit.record(write.uow, write.audit, case.customer_id, ("match_case",))
        return await write.reply(200, _out(case))


def _out(case: MatchCase) -> MatchCaseOut:
    return MatchCaseOut(**{name: getattr(case, name) for name in MatchCaseOut.model_fields})
