"""What could be done for a customer, and what speaks against each of it (S5). Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from guanxi_common.money import saturated
from guanxi_contracts.vocabularies import CHANNELS

from scoring_svc.actions.policy import WHOLE_BP, ActionKind, ActionStandard, Talk, margin
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
    found = [*_retention(situation, past, standard), *_birthday(situation, standard)]
    found += [_sale(situation, one, standard) for one in sales if not one.refusals][: standard.sales_considered]
    found += [_sale(situation, one, standard) for one in sales if one.refusals]
    return [*found, *_care(situation, standard)]


def _talk(kind: ActionKind, code: str, talk: Talk, reason: Reason, situation: Situation, **more: Any) -> Candidate:
    return Candidate(
        kind=kind,
        reason_code=code,
        reasons=(reason,),
        content={"zh": talk.zh, "en": talk.en},
        severity=talk.severity,
        propensity_bp=talk.propensity_bp,
        currency=situation.currency or NO_CURRENCY,
        **more,
    )


def _retention(situation: Situation, past: Sequence[Past], standard: ActionStandard) -> Iterator[Candidate]:
    """By the band of the risk; not beside an answer to a signal, which says the same more exactly."""
    talk = standard.bands.get(situation.band)
    if talk is None or situation.main_reason is None:
        return
    main = situation.main_reason
    answered = [one for one in past if one.is_live and one.kind == ActionKind.RETENTION and one.evidence.get("signal_ids")]
    refusals = tuple(Refusal("signal_answered", {"action_id": str(one.action_id)}) for one in answered[:1])
    yield _talk(
        ActionKind.RETENTION,
        "retention_risk",
        talk,
        {"code": str(main.code), "zh": main.text.zh, "en": main.text.en},
        situation,
        value_minor=margin(situation.balance_minor or 0, standard),
        evidence={"band": situation.band, "risk_bp": situation.risk_bp},
        refusals=refusals,
    )


def _birthday(situation: Situation, standard: ActionStandard) -> Iterator[Candidate]:
    """From some days before the birthday through it; born on 29 February, it is kept on 1 March of a common year."""
    born = situation.facts.birth_date if situation.facts else None
    if born is None:
        return
    for year in (situation.today.year, situation.today.year + 1):
        on = _anniversary(born, year)
        if timedelta() <= on - situation.today <= timedelta(days=standard.birthday_days):
            # The day itself stays inside: an event tells no personal data.
            reason = {"code": "birthday", "zh": "客户生日临近。", "en": "The customer's birthday is near."}
            yield _talk(ActionKind.DATE, "birthday", standard.birthday, reason, situation, value_minor=0)
            return


def _anniversary(born: date, year: int) -> date:
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def _care(situation: Situation, standard: ActionStandard) -> Iterator[Candidate]:
    """Nobody has spoken to the customer for the care period, counted from when the bank's replica first knew the customer."""
    if situation.facts is None:
        return
    since = max(filter(None, (situation.facts.known_since, situation.last_contact_on)))
    silent = (situation.today - since).days
    if silent < standard.care_days:
        return
    reason = {
        "code": "care_due",
        "zh": f"已{silent}天未联系客户。",
        "en": f"Nobody has contacted the customer for {silent} days.",
    }
    evidence = {"silent_days": silent, "care_days": standard.care_days}
    yield _talk(ActionKind.CARE, "care_due", standard.care, reason, situation, value_minor=0, evidence=evidence)


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
