"""Related sales over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from guanxi_common.http.call import Call, permission
from guanxi_common.http.documented import documented
from guanxi_common.http.routes import router
from guanxi_common.security.audit import repository as audit
from pydantic_core import to_jsonable_python
from starlette.responses import Response

from scoring_svc.parts import parts_of
from scoring_svc.products.policy import Words
from scoring_svc.related_sales import service
from scoring_svc.related_sales.policy import Assessment
from scoring_svc.related_sales.schemas import CodedReasonOut, RefusalOut, RelatedSaleOut, RelatedSalesOut, WordsOut

related_sales = router("related-sales")

_ID = "0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a10"
_SALES = {
    "customer_id": _ID,
    "data": [
        {
            "product_code": "DEP-12M",
            "name": {"zh": "一年期定期存款", "en": "One-year term deposit"},
            "type": "cross",
            "propensity_bp": 620,
            "amount_minor": 6_000_000,
            "value_minor": 3_720,
            "currency": "CNY",
            "price": {"zh": "年利率1.45%", "en": "1.45 % a year"},
            "reasons": [{"code": "cross", "zh": "尚未持有该产品。", "en": "Does not hold this product yet."}],
            "refusals": [],
            "model_version": "related-sales-1",
        }
    ],
}


@related_sales.get(
    "/v1/related-sales/{customer_id}",
    operation_id="readRelatedSales",
    summary="What a customer could buy beside, better or again, or use at last (关联销售)",
    **documented(RelatedSalesOut, _SALES),
)
async def read_related_sales(
    customer_id: UUID,
    call: Annotated[Call, permission("related_sale.read")],
    explain: Annotated[bool, Query(description="Also what was refused, by which rule, with which values.")] = False,
) -> Response:
    method = parts_of(call).method
    async with call.read() as read:
        found = await service.related_sales(read.uow, read.scope, method.calendar, method.related_sales, customer_id, read.now)
        await audit.record(read.uow, read.audit, customer_id, ("related_sales",))
        shown = [_out(one) for one in found if explain or not one.refusals]
        return read.reply(RelatedSalesOut(customer_id=customer_id, data=shown))


def _words(words: Words) -> WordsOut:
    return WordsOut(zh=words.zh, en=words.en)


def _out(one: Assessment) -> RelatedSaleOut:
    product = one.product
    return RelatedSaleOut(
        product_code=product.code,
        name=_words(product.name),
        type=one.type,
        propensity_bp=one.propensity_bp,
        amount_minor=one.amount_minor,
        value_minor=one.value_minor,
        currency=product.currency,
        price=_words(product.price) if product.price else None,
        reasons=[CodedReasonOut(code=code, zh=words.zh, en=words.en) for code, words in one.reasons],
        refusals=[RefusalOut(rule=refusal.rule, values=to_jsonable_python(dict(refusal.values))) for refusal in one.refusals],
        model_version=one.model_version,
    )
