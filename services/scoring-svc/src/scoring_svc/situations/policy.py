"""What is known of a customer on a business date. Pure. Money in minor units."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from scoring_svc.customers.policy import CustomerFacts
from scoring_svc.features.policy import Features
from scoring_svc.holdings.policy import Holding
from scoring_svc.reasons import Reason


@dataclass(frozen=True, slots=True)
class Complaint:
    """A complaint that is open."""

    complaint_id: str
    opened_on: date


@dataclass(frozen=True, slots=True)
class SurveyAnswer:
    """An answer; `satisfaction` 1 to 5."""

    answer_id: str
    satisfaction: int
    answered_on: date


@dataclass(frozen=True, slots=True)
class Observed:
    """What the ledger and engagement tell of a customer on a business date, as trained models look at it."""

    features: Features
    currency: str
    history_days: int


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of a customer on a business date. Money in minor units of `currency`; None: not known.

    `risk_bp`, `band`, `main_reason`: the retention risk as last scored. `observed`: where trained models ask for it.
    """

    customer_id: UUID
    today: date
    facts: CustomerFacts | None
    holdings: tuple[Holding, ...] = ()
    complaints: tuple[Complaint, ...] = ()
    answers: tuple[SurveyAnswer, ...] = ()
    currency: str | None = None
    balance_minor: int | None = None
    history_days: int = 0
    acts_recent: int = 0
    risk_bp: int = 0
    band: str = "low"
    main_reason: Reason | None = None
    observed: Observed | None = None

    @property
    def held(self) -> tuple[Holding, ...]:
        return tuple(holding for holding in self.holdings if holding.is_open(self.today))
