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


class RefusalOut(Answer):
    """A rule that speaks against it, with the values compared."""

    rule: str
    values: dict[str, Any]


class RelatedSaleOut(Answer):
    """One product. `value_minor` = propensity × margin × amount, in minor units of `currency`."""

    product_code: str
    name: WordsOut
    type: str
    propensity_bp: int
    amount_minor: int
    value_minor: int
    currency: str
    price: WordsOut | None
    reasons: list[CodedReasonOut]
    refusals: list[RefusalOut]
    model_version: str


class RelatedSalesOut(Answer):
    """What fits, by expected value; with `explain`, after it what was refused and why."""

    customer_id: UUID
    data: list[RelatedSaleOut]
