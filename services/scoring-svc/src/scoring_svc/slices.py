"""The slices of scoring-svc. Each topic's events have one order; of no type do two slices take the events."""

from typing import Final

from guanxi_common.slices import Slices

from scoring_svc.actions.slice import ACTIONS
from scoring_svc.activity.slice import ACTIVITY
from scoring_svc.concentration.slice import CONCENTRATION
from scoring_svc.customers.slice import CUSTOMERS
from scoring_svc.engagements.slice import ENGAGEMENTS
from scoring_svc.holdings.slice import HOLDINGS
from scoring_svc.ledger.slice import LEDGER
from scoring_svc.lifetime.slice import LIFETIME
from scoring_svc.products.slice import PRODUCTS
from scoring_svc.register.slice import REGISTER
from scoring_svc.related_sales.slice import RELATED_SALES
from scoring_svc.rfm.slice import RFM
from scoring_svc.runs.slice import RUNS
from scoring_svc.scorer.slice import SCORER
from scoring_svc.scores.slice import SCORES
from scoring_svc.signals.slice import SIGNALS
from scoring_svc.trainings.slice import TRAININGS

SLICES: Final = Slices(
    PRODUCTS,
    CUSTOMERS,
    LEDGER,
    HOLDINGS,
    ENGAGEMENTS,
    SCORES,
    ACTIVITY,
    SIGNALS,
    RELATED_SALES,
    SCORER,
    ACTIONS,
    RFM,
    CONCENTRATION,
    RUNS,
    LIFETIME,
    REGISTER,
    TRAININGS,
)
