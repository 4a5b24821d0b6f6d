"""What the tests of scoring share: facts of customers, kept as the facets bring them."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import date

import pytest
from guanxi_common.db.uow import UnitOfWork
from guanxi_common.facets import keep
from guanxi_common.messaging.envelope import Version
from scoring_svc.customers.consumers import AGREEMENTS, CLASSIFICATIONS, FILES
from scoring_svc.customers.policy import CustomerFacts


async def _keep(uow: UnitOfWork, *customers: CustomerFacts, version: int = 1) -> None:
    for facts in customers:
        values = asdict(facts)
        columns = [values.pop(name) for name in ("customer_type", "birth_date", "known_since")]
        customer_id, tier = values.pop("customer_id"), values.pop("tier")
        at = Version(1, version)
        await keep(uow, FILES, [(customer_id, at, tuple(columns))])
        await keep(uow, AGREEMENTS, [(customer_id, at, (json.dumps(values, default=date.isoformat),))])
        await keep(uow, CLASSIFICATIONS, [(customer_id, at, (tier,))])


@pytest.fixture
def keep_facts() -> Callable[..., Awaitable[None]]:
    """Keeps what a customer's three facets bring, in the transaction given."""
    return _keep
