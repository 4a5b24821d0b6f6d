"""The slices of customer-svc. The directory first: its snapshots decide who may see the rest."""

from typing import Final

from guanxi_common.slices import Slices

from customer_svc.access_grants.slice import ACCESS_GRANTS
from customer_svc.accounts.slice import ACCOUNTS
from customer_svc.assignments.slice import ASSIGNMENTS
from customer_svc.clients.slice import CLIENTS
from customer_svc.consents.slice import CONSENTS
from customer_svc.contact_preferences.slice import CONTACT_PREFERENCES
from customer_svc.customers.slice import CUSTOMERS
from customer_svc.digests.slice import DIGESTS
from customer_svc.directory.slice import DIRECTORY
from customer_svc.erasures.slice import ERASURES
from customer_svc.inbound.slice import INBOUND
from customer_svc.match_cases.slice import MATCH_CASES
from customer_svc.products.slice import PRODUCTS
from customer_svc.proposals.slice import PROPOSALS
from customer_svc.reconciliations.slice import RECONCILIATIONS
from customer_svc.risk_profiles.slice import RISK_PROFILES
from customer_svc.staff.slice import STAFF
from customer_svc.standards.slice import STANDARDS
from customer_svc.tiers.slice import TIERS
from customer_svc.transactions.slice import TRANSACTIONS
from customer_svc.vulnerabilities.slice import VULNERABILITIES

SLICES: Final = Slices(
    DIRECTORY,
    STAFF,
    CLIENTS,
    PROPOSALS,
    STANDARDS,
    PRODUCTS,
    MATCH_CASES,
    CUSTOMERS,
    ACCESS_GRANTS,
    ASSIGNMENTS,
    CONSENTS,
    CONTACT_PREFERENCES,
    RISK_PROFILES,
    VULNERABILITIES,
    TIERS,
    ERASURES,
    ACCOUNTS,
    TRANSACTIONS,
    INBOUND,
    RECONCILIATIONS,
    DIGESTS,
)
