"""D5: an open complaint of the standard's severity, or about what was sold, stops selling by humans and machines."""

from typing import Any
from uuid import uuid4

import pytest
from engagement_svc.contact_budget.errors import SalesOnHold

pytestmark = pytest.mark.anyio


async def complain(desk: Any, category: str, severity: str, *, resolved: bool = False) -> None:
    async with desk.branch.database.transaction() as uow:
        await uow.driver.execute(
            "INSERT INTO complaint (id, customer_id, category, severity, channel, content, opened_on, opened_by, recorded_at, resolved_on,"
            " outcome, version) VALUES ($1, $2, $3, $4, 'phone', 'x', $5, $1, now(), $6, $7, 1)",
            uuid4(),
            desk.branch.customer,
            category,
            severity,
            desk.today,
            desk.today if resolved else None,
            "upheld" if resolved else None,
        )
        await uow.commit()


@pytest.mark.parametrize(("category", "severity"), [("fees", "serious"), ("service", "critical"), ("product", "minor")])
async def test_d5_an_open_complaint_stops_selling_and_nothing_else(desk: Any, category: str, severity: str) -> None:
    await complain(desk, category, severity)
    with pytest.raises(SalesOnHold):
        await desk.reserve()
    await desk.branch.recommend(kind="related_sale", consent_purpose="marketing")
    [declined] = await desk.branch.told("action.declined")
    assert declined["reason"] == "sales_hold"
    for purpose in ("care", "service"):
        assert (await desk.reserve(desk.wanted(purpose))).state == "reserved"


async def test_d5_a_small_complaint_and_a_resolved_one_stop_nothing(desk: Any) -> None:
    await complain(desk, "fees", "minor")
    await complain(desk, "product", "critical", resolved=True)
    assert (await desk.reserve()).state == "reserved"
