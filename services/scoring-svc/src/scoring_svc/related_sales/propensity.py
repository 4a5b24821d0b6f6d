"""Who could take up a product at a cut, what is to be seen of the customer by then, and whether the customer did after it. Pure.

Features rest on what lies up to and including the cut, the label on the days after it alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from guanxi_common.errors import Text
from pydantic import ConfigDict

from scoring_svc.customers.policy import CustomerFacts
from scoring_svc.features.policy import Features, FeatureStandard
from scoring_svc.holdings.policy import Holding
from scoring_svc.ledger.history import CustomerHistory
from scoring_svc.products.policy import Product
from scoring_svc.related_sales.policy import account_codes, eligibility
from scoring_svc.situations.policy import Situation

TAKES_UP: Final = "takes_up"
"""The label of every model of a related sale."""


@dataclass(frozen=True)
class PropensityStandard:
    """Horizon of the label, the shortest history, what no model sees, and the words of the features of products."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    version: int
    author: str
    effective_from: date
    reason: str
    horizon_days: int
    min_history_days: int
    reasons_shown: int
    left_out: tuple[str, ...]
    words: Mapping[str, Text]

    def word(self, feature: str, others: FeatureStandard) -> Text:
        """The name of a feature in words."""
        return self.words[feature] if feature in self.words else others.word(feature)


def situation_at(
    customer_id: UUID, cut: date, history: CustomerHistory, facts: CustomerFacts | None, holdings: Sequence[Holding]
) -> Situation:
    """The customer as it stood at a cut, as far as eligibility asks. `history` is that of the cut."""
    return Situation(
        customer_id=customer_id,
        today=cut,
        facts=facts,
        holdings=tuple(holdings),
        currency=history.currency,
        balance_minor=history.balance_on(cut),
        history_days=(cut - history.first_day).days,
    )


def could_take_up(situation: Situation, product: Product) -> bool:
    """Eligible, and not holding it already. Consent and suitability are no part of it: they say who may be asked, not who would."""
    return not is_held(situation, product) and not any(eligibility(situation, product))


def is_held(situation: Situation, product: Product) -> bool:
    return any(holding.product_code in product.account_codes for holding in situation.held)


def takes_up(holdings: Sequence[Holding], product: Product, cut: date, horizon_days: int) -> bool:
    """Whether an account of the product is opened in the horizon, which begins on the day after the cut."""
    end = cut + timedelta(days=horizon_days)
    return any(holding.product_code in product.account_codes and cut < holding.opened_on <= end for holding in holdings)


def features_at(seen: Features, situation: Situation, product: Product, catalogue: Sequence[Product]) -> Features:
    """What a model of the product looks at. `seen` are the ledger's features of the situation's day."""
    known = [holding for holding in situation.holdings if holding.opened_on <= situation.today]
    held = {holding.product_code for holding in situation.held}
    return {
        **seen,
        "products_held": len(held),
        "complement_held": int(bool(held & account_codes(product.linked("complements"), catalogue))),
        "lesser_held": int(bool(held & account_codes(product.linked("upgrade_of"), catalogue))),
        "held_before": int(any(holding.product_code in product.account_codes for holding in known)),
        "days_since_opening": min(((situation.today - holding.opened_on).days for holding in known), default=None),
    }
