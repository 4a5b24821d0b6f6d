"""The slices of engagement-svc. The order counts for those that read facets of customers: the replica comes before what follows it."""

from typing import Final

from guanxi_common.slices import Slices

from engagement_svc.actions.slice import ACTIONS
from engagement_svc.complaints.slice import COMPLAINTS
from engagement_svc.contact_budget.slice import CONTACT_BUDGET
from engagement_svc.customers.slice import CUSTOMERS
from engagement_svc.interactions.slice import INTERACTIONS
from engagement_svc.plans.slice import PLANS
from engagement_svc.satisfaction.slice import SATISFACTION
from engagement_svc.tasks.slice import TASKS, TASKS_OF_THE_ERASED
from engagement_svc.touches.slice import TOUCHES

SLICES: Final = Slices(
    TASKS_OF_THE_ERASED,
    CUSTOMERS,
    TASKS,
    ACTIONS,
    TOUCHES,
    INTERACTIONS,
    COMPLAINTS,
    SATISFACTION,
    PLANS,
    CONTACT_BUDGET,
)
