"""Related sales as a caller sees them."""

from typing import Any
from uuid import UUID

from guanxi_common.http.bodies import Answer


class WordsOut(Answer):
    zh: str
    en: str


class CodedReasonOut(Answer):
    code: str
    zh: str
    en: str


class SaleReasonOut(CodedReasonOut):
    """`contribution_bp`: the reason's share of a trained model's propensity, which these shares add up to; null by the rule."""

    contribution_bp: int | None


class ShadowOut(Answer):
    """What the model in the shadow of the active one would have said."""

    model_version: str
    propensity_bp: int


class RefusalOut(Answer):
    """A rule that speaks against it, with the values compared."""

    rule: str
    values: dict[str, Any]


class RelatedSaleOut(Answer):
    """One product. `value_minor` = propensity × margin × amount, in minor units of `currency`.

    `model_version`: `related_sale:<code>-<number>` for a trained model, `related-sales-<number>` for the rule of that standard.
    """

    product_code: str
    name: WordsOut
    type: str
    propensity_bp: int
    amount_minor: int
    value_minor: int
    currency: str
    price: WordsOut | None
    reasons: list[SaleReasonOut]
    refusals: list[RefusalOut]
    model_version: str
    challenger: ShadowOut | None


class RelatedSalesOut(Answer):
    """What fits, by expected value; with `explain`, after it what was refused and why."""

    customer_id: UUID
    data: list[RelatedSaleOut]
