"""What could be sold to a customer, how probably, for how much, and what stands against it (S4; slides 64, 68, 100, 101).

Pure. Money in minor units, shares in basis points; features between 0 and 1.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from math import exp
from typing import Any, Protocol

from guanxi_common.money import saturated
from guanxi_contracts.vocabularies import CHANNELS
from pydantic import ConfigDict

from scoring_svc.customers.policy import CustomerFacts
from scoring_svc.holdings.policy import Holding
from scoring_svc.products.policy import Product, Words
from scoring_svc.situations.policy import Situation

WHOLE_BP = 10_000
SATISFIED_FROM = 3
MOST_REASONS = 2
TYPICAL, OTHER_FEATURES = "typical_customer", "other_features"
"""Codes of the reasons that name no feature of their own."""


class SaleType(StrEnum):
    CROSS = "cross"
    UP = "up"
    REPEAT = "repeat"
    ACTIVATION = "activation"


@dataclass(frozen=True)
class RelatedSaleStandard:
    """Rules, weights and amounts; see `standards.yaml`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    version: int
    author: str
    effective_from: date
    reason: str
    rules: Mapping[SaleType, tuple[str, ...]]
    profile_free_class: int
    unused_days: int
    maturity_days: int
    activation_families: tuple[str, ...]
    amount_share_bp: Mapping[str, int]
    amount_minor: Mapping[str, int]
    intercept: Mapping[SaleType, int]
    weights: Mapping[str, int]
    half_balance_minor: Mapping[str, int]
    full_acts: int
    full_products: int
    full_history_days: int
    words: Mapping[str, Words]

    def __post_init__(self) -> None:
        if not set(self.rules) == set(self.intercept) == set(SaleType):
            raise ValueError("every type of sale has rules and an intercept")
        if missing := {name for rules in self.rules.values() for name in rules} - RULES.keys():
            raise ValueError(f"no such rule: {', '.join(sorted(missing))}")

    @property
    def model_version(self) -> str:
        return f"related-sales-{self.version}"


@dataclass(frozen=True, slots=True)
class SaleReason:
    """A reason. `contribution_bp`: its share of a trained model's propensity; None where the rule or the type of the sale speaks."""

    code: str
    words: Words
    contribution_bp: int | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A propensity by a trained model; the contributions of its reasons add up to it."""

    propensity_bp: int
    reasons: tuple[SaleReason, ...]
    model_version: str


@dataclass(frozen=True, slots=True)
class Shadow:
    """What a challenger would have said."""

    model_version: str
    propensity_bp: int


class PropensityModel(Protocol):
    """What takes over a product's propensity: an active model of the registry called `related_sale:<code>`."""

    def judge(self, situation: Situation, product: Product, catalogue: Sequence[Product]) -> Judged | None:
        """None where the model was not trained on such customers: the rule applies."""

    def shadow(self, situation: Situation, product: Product, catalogue: Sequence[Product]) -> Shadow | None: ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule that speaks against it, with the values compared."""

    rule: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Assessment:
    """One product for one customer. `value_minor` = propensity × margin × amount, in minor units of the product's currency."""

    product: Product
    type: SaleType
    propensity_bp: int
    amount_minor: int
    value_minor: int
    reasons: tuple[SaleReason, ...]
    model_version: str
    refusals: tuple[Refusal, ...] = ()
    challenger: Shadow | None = None


def assess(
    situation: Situation,
    catalogue: Sequence[Product],
    standard: RelatedSaleStandard,
    models: Mapping[str, PropensityModel] | None = None,
) -> list[Assessment]:
    """Every product of the catalogue that has a type for this customer: those that nothing speaks against first, by value."""
    found = []
    for product in catalogue:
        kind = sale_type(situation, product, catalogue, standard)
        if kind is not None:
            found.append(_assess(situation, product, kind, catalogue, standard, (models or {}).get(product.code)))
    return sorted(found, key=lambda one: (bool(one.refusals), -one.value_minor, -one.propensity_bp, one.product.code))


def sale_type(
    situation: Situation, product: Product, catalogue: Sequence[Product], standard: RelatedSaleStandard
) -> SaleType | None:
    """Cross, up, repeat or activation; None for what is held, in use and not maturing."""
    today = situation.today
    held = situation.held
    of_this = [holding for holding in held if holding.product_code in product.account_codes]
    renewed = [h for h in held if h.product_code in account_codes(product.linked("renews"), catalogue)]
    soon = today + timedelta(days=standard.maturity_days)
    if any(h.matures_on is not None and today <= h.matures_on <= soon for h in (*of_this, *renewed)):
        return SaleType.REPEAT
    if of_this:
        unused = all(_unused(holding, today, standard) for holding in of_this)
        return SaleType.ACTIVATION if unused and product.family in standard.activation_families else None
    if any(holding.product_code in product.account_codes for holding in situation.holdings if holding.opened_on <= today):
        return SaleType.REPEAT
    lesser = account_codes(product.linked("upgrade_of"), catalogue)
    return SaleType.UP if any(holding.product_code in lesser for holding in held) else SaleType.CROSS


def account_codes(codes: frozenset[str], catalogue: Sequence[Product]) -> frozenset[str]:
    """The codes of products, and of the accounts that mean that one of them is held."""
    return codes.union(*(product.account_codes for product in catalogue if product.code in codes))


def _unused(holding: Holding, today: date, standard: RelatedSaleStandard) -> bool:
    since = max(holding.opened_on, holding.last_used_on or holding.opened_on)
    return (today - since).days >= standard.unused_days


def features(
    situation: Situation, product: Product, catalogue: Sequence[Product], standard: RelatedSaleStandard
) -> dict[str, float]:
    """What the rule's propensity rests on, each between 0 and 1."""
    half = standard.half_balance_minor.get(situation.currency or "")
    balance = max(situation.balance_minor or 0, 0)
    held = {holding.product_code for holding in situation.held}
    latest = situation.answers[-1].satisfaction if situation.answers else SATISFIED_FROM
    return {
        "balance": balance / (balance + half) if half else 0.0,
        "activity": min(1.0, situation.acts_recent / standard.full_acts),
        "products": min(1.0, len(held) / standard.full_products),
        "complement": float(bool(held & account_codes(product.linked("complements"), catalogue))),
        "tenure": min(1.0, situation.history_days / standard.full_history_days),
        "satisfied": max(0, latest - SATISFIED_FROM) / 2,
        "leaving": situation.risk_bp / WHOLE_BP,
    }


def _assess(
    situation: Situation,
    product: Product,
    kind: SaleType,
    catalogue: Sequence[Product],
    standard: RelatedSaleStandard,
    model: PropensityModel | None,
) -> Assessment:
    judged = model.judge(situation, product, catalogue) if model else None
    judged = judged or _by_rule(situation, product, kind, catalogue, standard)
    amount = _amount(situation, product, kind, standard)
    return Assessment(
        product=product,
        type=kind,
        propensity_bp=judged.propensity_bp,
        amount_minor=amount,
        value_minor=saturated(judged.propensity_bp * product.margin_bp * amount // WHOLE_BP**2),
        reasons=(SaleReason(kind.value, standard.words[kind]), *judged.reasons),
        model_version=judged.model_version,
        refusals=tuple(refusals(situation, product, kind, standard)),
        challenger=model.shadow(situation, product, catalogue) if model else None,
    )


def _by_rule(
    situation: Situation, product: Product, kind: SaleType, catalogue: Sequence[Product], standard: RelatedSaleStandard
) -> Judged:
    """By the standard's weights, with the features that speak most for it."""
    told = features(situation, product, catalogue, standard)
    strongest = sorted(told, key=lambda name: (-standard.weights[name] * told[name], name))
    names = [name for name in strongest if standard.weights[name] * told[name] > 0][:MOST_REASONS]
    reasons = tuple(SaleReason(name, standard.words[name]) for name in names)
    return Judged(rule_propensity_bp(kind, told, standard), reasons, standard.model_version)


def rule_propensity_bp(kind: SaleType, told: Mapping[str, float], standard: RelatedSaleStandard) -> int:
    """The logistic default, by the standard's weights."""
    log_odds = standard.intercept[kind] + sum(standard.weights[name] * value for name, value in told.items())
    return round(WHOLE_BP / (1 + exp(-log_odds / 1000)))


def _amount(situation: Situation, product: Product, kind: SaleType, standard: RelatedSaleStandard) -> int:
    """What is spoken of: the maturing balance, a share of what lies on the accounts, or the usual amount of the currency."""
    if kind is SaleType.REPEAT:
        soon = situation.today + timedelta(days=standard.maturity_days)
        due = sum(
            h.balance_minor or 0
            for h in situation.held
            if h.matures_on and h.matures_on <= soon and h.currency == product.currency
        )
        if due > 0:
            return saturated(due)
    if situation.currency == product.currency and product.family in standard.amount_share_bp:
        share = max(situation.balance_minor or 0, 0) * standard.amount_share_bp[product.family] // WHOLE_BP
        if share > 0:
            return share
    return standard.amount_minor.get(product.currency, 0)


def refusals(situation: Situation, product: Product, kind: SaleType, standard: RelatedSaleStandard) -> Iterator[Refusal]:
    """Every rule of the type that speaks against the product."""
    for name in standard.rules[kind]:
        yield from RULES[name](situation, product, standard)


def _validity(situation: Situation, product: Product, _: RelatedSaleStandard) -> Iterator[Refusal]:
    if not product.valid_from <= situation.today or (product.valid_to is not None and situation.today > product.valid_to):
        yield Refusal("validity", {"today": situation.today, "valid_from": product.valid_from, "valid_to": product.valid_to})


def eligibility(situation: Situation, product: Product) -> Iterator[Refusal]:
    """What of the product's own conditions the customer does not meet."""
    asked, facts = product.eligibility, situation.facts
    kind = facts.customer_type if facts else None
    if asked.customer_types and kind not in asked.customer_types:
        yield Refusal("customer_type", {"customer_type": kind, "allowed": list(asked.customer_types)})
    if asked.min_age is not None or asked.max_age is not None:
        age = facts.age_on(situation.today) if facts else None
        if age is None or not (asked.min_age or 0) <= age <= (asked.max_age if asked.max_age is not None else age):
            yield Refusal("age", {"age": age, "min_age": asked.min_age, "max_age": asked.max_age})
    if asked.min_history_days is not None and situation.history_days < asked.min_history_days:
        yield Refusal("history", {"history_days": situation.history_days, "min_history_days": asked.min_history_days})
    if asked.min_balance_minor is not None:
        balance = situation.balance_minor if situation.currency == product.currency else None
        if balance is None or balance < asked.min_balance_minor:
            yield Refusal("balance", {"balance_minor": balance, "min_balance_minor": asked.min_balance_minor})


def _eligibility(situation: Situation, product: Product, _: RelatedSaleStandard) -> Iterator[Refusal]:
    yield from eligibility(situation, product)


def _suitability(situation: Situation, product: Product, standard: RelatedSaleStandard) -> Iterator[Refusal]:
    if product.risk_class <= standard.profile_free_class:
        return
    profile = situation.facts.risk_profile if situation.facts else None
    if profile is None or profile.expires_on < situation.today or profile.level < product.risk_class:
        told = {"level": profile.level, "expires_on": profile.expires_on} if profile else {"level": None, "expires_on": None}
        yield Refusal("suitability", {**told, "risk_class": product.risk_class})


def _consent(situation: Situation, product: Product, _: RelatedSaleStandard) -> Iterator[Refusal]:
    if not allowed_channels(situation.facts, product.consent_purpose):
        yield Refusal("consent", {"purpose": product.consent_purpose})


def _hold(situation: Situation, _: Product, __: RelatedSaleStandard) -> Iterator[Refusal]:
    yield from sales_hold(situation)


def sales_hold(situation: Situation) -> Iterator[Refusal]:
    """Nothing is sold to a customer with an open complaint, or while a vulnerability stands: also while its review is overdue."""
    for complaint in situation.complaints:
        yield Refusal("open_complaint", {"complaint_id": complaint.complaint_id, "opened_on": complaint.opened_on})
    until = situation.facts.vulnerable_until if situation.facts else None
    if until is not None:
        yield Refusal("vulnerable", {"until": until})


def allowed_channels(facts: CustomerFacts | None, purpose: str) -> tuple[str, ...]:
    """The channels by which the customer agreed to be spoken to for the purpose."""
    return tuple(channel for channel in CHANNELS if facts is not None and facts.agrees_to(purpose, channel))


RULES = {
    "validity": _validity,
    "eligibility": _eligibility,
    "suitability": _suitability,
    "consent": _consent,
    "hold": _hold,
}
