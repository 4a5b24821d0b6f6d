"""What could be done for a customer, and what speaks against each of it (S5). Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from guanxi_common.money import saturated
from guanxi_contracts.vocabularies import CHANNELS

from scoring_svc.actions.policy import WHOLE_BP, ActionKind, ActionStandard, margin
from scoring_svc.related_sales.policy import OTHER_FEATURES, TYPICAL, Assessment, Refusal, allowed_channels
from scoring_svc.signals.policy import Severity
from scoring_svc.situations.policy import Situation

LIVE = ("open", "accepted")
NO_CURRENCY = "XXX"
Reason = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Past:
    """An action that was recommended before, as far as it bears on the next one."""

    action_id: UUID
    kind: str
    reason_code: str
    product_code: str | None
    state: str
    recommended_on: date
    expires_on: date
    evidence: Mapping[str, Any] = field(default_factory=dict)
    channel: str | None = None

    @property
    def is_live(self) -> bool:
        return self.state in LIVE


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that could be done. `duty`: the customer's own matter, done whatever else is. `key` tells it from all others."""

    kind: ActionKind
    reason_code: str
    reasons: tuple[Reason, ...]
    content: Reason
    severity: Severity
    propensity_bp: int
    value_minor: int
    currency: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    product_code: str | None = None
    price: Reason | None = None
    channels: tuple[str, ...] = CHANNELS
    consent_purpose: str | None = None
    duty: bool = False
    refusals: tuple[Refusal, ...] = ()

    @property
    def key(self) -> tuple[str, str, str | None]:
        return self.kind.value, self.reason_code, self.product_code


def candidates(
    situation: Situation, sales: Sequence[Assessment], past: Sequence[Past], standard: ActionStandard
) -> list[Candidate]:
    """Everything that could be done for the customer, with the refusals that lie in the thing itself."""
    found = [*_retention(situation, past, standard)]
    found += [_sale(situation, one, standard) for one in sales if not one.refusals][: standard.sales_considered]
    return [*found, *(_sale(situation, one, standard) for one in sales if one.refusals)]


def _retention(situation: Situation, past: Sequence[Past], standard: ActionStandard) -> Iterator[Candidate]:
    """By the band of the risk; not beside an answer to a signal, which says the same more exactly."""
    talk = standard.bands.get(situation.band)
    if talk is None or situation.main_reason is None:
        return
    main = situation.main_reason
    answered = [one for one in past if one.is_live and one.kind == ActionKind.RETENTION and one.evidence.get("signal_ids")]
    refusals = tuple(Refusal("signal_answered", {"action_id": str(one.action_id)}) for one in answered[:1])
    yield Candidate(
        kind=ActionKind.RETENTION,
        reason_code="retention_risk",
        reasons=({"code": str(main.code), "zh": main.text.zh, "en": main.text.en},),
        content={"zh": talk.zh, "en": talk.en},
        severity=talk.severity,
        propensity_bp=talk.propensity_bp,
        value_minor=margin(situation.balance_minor or 0, standard),
        currency=situation.currency or NO_CURRENCY,
        evidence={"band": situation.band, "risk_bp": situation.risk_bp},
        refusals=refusals,
    )


def _sale(situation: Situation, one: Assessment, standard: ActionStandard) -> Candidate:
    product, talk = one.product, standard.sale
    points = product.talking_points
    opening = {"zh": f"{talk.zh}{product.name.zh}。", "en": f"{talk.en} {product.name.en}."}
    content = {"zh": f"{opening['zh']}{points.zh}", "en": f"{opening['en']} {points.en}"} if points else opening
    sold = one.type.value != "activation"
    return Candidate(
        kind=ActionKind.RELATED_SALE,
        reason_code=one.type.value,
        reasons=tuple(
            {"code": why.code, "zh": why.words.zh, "en": why.words.en}
            for why in one.reasons
            if why.code not in (TYPICAL, OTHER_FEATURES)  # they name nothing to speak of
        ),
        content=content,
        severity=talk.severity,
        propensity_bp=one.propensity_bp,
        value_minor=saturated(one.amount_minor * product.margin_bp // WHOLE_BP),
        currency=product.currency,
        evidence={"amount_minor": one.amount_minor, "expected_value_minor": one.value_minor, "model": one.model_version},
        product_code=product.code,
        price={"zh": product.price.zh, "en": product.price.en} if product.price else None,
        channels=allowed_channels(situation.facts, product.consent_purpose) if sold else CHANNELS,
        consent_purpose=product.consent_purpose if sold else None,
        refusals=one.refusals,
    )
