"""Concentration over HTTP: figures, and the curve as a picture."""

from datetime import date
from typing import Annotated, Any

from fastapi import Query
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.routes import router
from starlette.responses import Response

from scoring_svc.concentration import service
from scoring_svc.concentration.picture import draw
from scoring_svc.concentration.policy import Measure, Part
from scoring_svc.concentration.schemas import ConcentrationOut
from scoring_svc.concentration.service import Question
from scoring_svc.parts import parts_of

concentration = router("concentration")

SVG = "image/svg+xml"
_FIGURES = {
    "customers": 1229,
    "total_minor": 4_210_000_000,
    "below_zero": 11,
    "below_zero_minor": -1_900_000,
    "gini_bp": 4120,
    "top": [{"percent": 1, "customers": 13, "share_bp": 390}, {"percent": 20, "customers": 246, "share_bp": 4480}],
}
_EXAMPLE = {
    "as_of": "2026-11-23",
    "currency": "CNY",
    "measure": "balance",
    "measure_en": "Balance on the date, as the sum of all postings known.",
    "measure_zh": "截至当日已知全部交易的余额合计。",
    "window_days": 365,
    "standard_version": 1,
    "book": _FIGURES,
    "curve_bp": [0, 2, 5, 10_000],
    "by": "outlet",
    "parts": [{"id": "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a30", "name": "城北支行", "figures": _FIGURES}],
    "parts_in_all": 1,
}
_PICTURE: dict[str, Any] = {
    "description": "Success",
    "content": {SVG: {"schema": {"type": "string"}, "example": '<svg xmlns="http://www.w3.org/2000/svg"/>'}},
}

AskedMeasure = Annotated[Measure, Query(description="What a customer's value is.")]
Currency = Annotated[str, Query(pattern=r"^[A-Z]{3}$", description="Customers' values in this currency only.")]
AsOf = Annotated[date | None, Query(description="Business date; default today.")]
MayRead = Annotated[Call, permission("concentration.read")]


@concentration.get(
    "/v1/concentration",
    operation_id="readConcentration",
    summary="Contribution curve, Gini and share of the top x % (二八原理)",
    **documented(ConcentrationOut, _EXAMPLE),
)
async def read_concentration(
    call: MayRead,
    measure: AskedMeasure = Measure.BALANCE,
    currency: Currency = "CNY",
    as_of: AsOf = None,
    by: Annotated[Part, Query(description="Into which parts the book is divided as well.")] = Part.BOOK,
    limit: Annotated[int, Query(ge=1, le=500, description="Parts at most.")] = 100,
) -> Response:
    async with call.read() as read:
        asked = Question(measure, currency, as_of, by, limit)
        return read.reply(await service.read_concentration(read.work, parts_of(call).method, asked))


@concentration.get(
    "/v1/concentration/curve.svg",
    operation_id="drawConcentration",
    summary="The contribution curve as a picture, in the caller's language",
    status_code=200,
    response_class=Response,
    responses={200: _PICTURE},
)
async def draw_concentration(
    call: MayRead, measure: AskedMeasure = Measure.BALANCE, currency: Currency = "CNY", as_of: AsOf = None
) -> Response:
    async with call.read() as read:
        asked = Question(measure, currency, as_of, Part.BOOK)
        found = await service.measure_concentration(read.work, parts_of(call).method, asked)
    picture = draw(found.book, locale=call.locale, measure=found.measure.text, currency=currency, as_of=found.as_of)
    return Response(picture, headers={"Cache-Control": "no-store"}, media_type=SVG)
