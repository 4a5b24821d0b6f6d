"""Customers at a cut, for the models of related sales: who could take a product up, what was to be seen, who did (S4)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork

from scoring_svc.customers import repository as customers
from scoring_svc.customers.policy import CustomerFacts
from scoring_svc.engagements import repository as engagements
from scoring_svc.features.policy import NO_ENGAGEMENT, Engagement, Example, features_of
from scoring_svc.holdings import repository as holdings
from scoring_svc.holdings.policy import Holding
from scoring_svc.ledger import repository as ledger
from scoring_svc.ledger.history import history_of
from scoring_svc.ledger.policy import ActivityClasses, DailyActivity
from scoring_svc.method import Method
from scoring_svc.products.policy import Product
from scoring_svc.related_sales.policy import RelatedSaleStandard, rule_propensity_bp, sale_type
from scoring_svc.related_sales.policy import features as rule_features
from scoring_svc.related_sales.propensity import PropensityStandard, could_take_up, features_at, situation_at, takes_up
from scoring_svc.signals.policy import SignalStandard


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that is known of one customer, also beyond the cuts: it is the pure functions that do not look there."""

    customer_id: UUID
    days: Sequence[DailyActivity]
    holdings: Sequence[Holding] = ()
    engagement: Engagement = NO_ENGAGEMENT
    facts: CustomerFacts | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """An example, with what the rule gave at the cut."""

    example: Example
    rule_bp: int


async def read_known(uow: UnitOfWork, customer_ids: Sequence[UUID], *, until: date) -> list[Known]:
    """Customers with an entry by `until`. For jobs."""
    days = await ledger.read_days(uow, customer_ids, until=until)
    held = await holdings.read_holdings(uow, customer_ids)
    told = await engagements.read_engagement(uow, customer_ids)
    facts = await customers.read_facts(uow, customer_ids)
    return [Known(one, rows, held.get(one, ()), told.get(one, NO_ENGAGEMENT), facts.get(one)) for one, rows in days.items()]


def case_at(
    method: Method, product: Product, catalogue: Sequence[Product], known: Known, cut: date, horizon_days: int
) -> Case | None:
    """One customer at one cut; None for one who could not take the product up, or is known for too short a time. Pure."""
    history = history_of(known.days, method[ActivityClasses], cut)
    if history is None or (cut - history.first_day).days < method[PropensityStandard].min_history_days:
        return None
    situation = situation_at(known.customer_id, cut, history, known.facts, known.holdings)
    if not could_take_up(situation, product):
        return None
    seen = features_of(
        known.days, method[ActivityClasses], cut, method[SignalStandard], history=history, engagement=known.engagement
    )
    kind = sale_type(situation, product, catalogue, method[RelatedSaleStandard])
    if seen is None or kind is None:
        return None
    features = features_at(seen, situation, product, catalogue)
    outcome = takes_up(known.holdings, product, cut, horizon_days)
    acting = replace(situation, acts_recent=int(seen["acts_90"] or 0))
    rule = rule_propensity_bp(
        kind, rule_features(acting, product, catalogue, method[RelatedSaleStandard]), method[RelatedSaleStandard]
    )
    return Case(Example(cut, history.currency, features, outcome), rule)
