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
from scoring_svc.related_sales.schemas import RefusalOut, RelatedSaleOut, RelatedSalesOut, SaleReasonOut, ShadowOut, WordsOut

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
            "reasons": [
                {"code": "cross", "zh": "尚未持有该产品。", "en": "Does not hold this product yet.", "contribution_bp": None},
                {
                    "code": "typical_customer",
                    "zh": "典型客户的可能性为2.1%。",
                    "en": "A typical customer's propensity is 2.1 %.",
                    "contribution_bp": 210,
                },
                {
                    "code": "balance_minor",
                    "zh": "当前余额：120000.00 CNY（典型值30000.00 CNY），可能性因此上升。",
                    "en": "Balance: 120000.00 CNY (typical: 30000.00 CNY); this makes it more likely.",
                    "contribution_bp": 410,
                },
            ],
            "refusals": [],
            "model_version": "related_sale:DEP-12M-1",
            "challenger": None,
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
        found = await service.related_sales(read.uow, read.scope, method, customer_id, read.now)
        await audit.record(read.uow, read.audit, customer_id, ("related_sales",))
        shown = [_out(one) for one in found if explain or not one.refusals]
        return read.reply(RelatedSalesOut(customer_id=customer_id, data=shown))


def _words(words: Words) -> WordsOut:
    return WordsOut(zh=words.zh, en=words.en)


def _out(one: Assessment) -> RelatedSaleOut:
    product, beside = one.product, one.challenger
    return RelatedSaleOut(
        product_code=product.code,
        name=_words(product.name),
        type=one.type,
        propensity_bp=one.propensity_bp,
        amount_minor=one.amount_minor,
        value_minor=one.value_minor,
        currency=product.currency,
        price=_words(product.price) if product.price else None,
        reasons=[
            SaleReasonOut(code=why.code, zh=why.words.zh, en=why.words.en, contribution_bp=why.contribution_bp)
            for why in one.reasons
        ],
        refusals=[RefusalOut(rule=refusal.rule, values=to_jsonable_python(dict(refusal.values))) for refusal in one.refusals],
        model_version=one.model_version,
        challenger=ShadowOut(model_version=beside.model_version, propensity_bp=beside.propensity_bp) if beside else None,
    )
