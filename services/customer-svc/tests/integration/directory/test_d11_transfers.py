"""D11: a pending transfer is replaced or cancelled by whoever could make it, and takes effect at its exact instant else."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

pytestmark = pytest.mark.anyio
FAR = datetime(2062, 1, 1, tzinfo=UTC)


@pytest.fixture
async def north(office):
    """The outlet of `max`, its manager, and of the RMs `rita` and `rob`."""
    outlet = await office.branch()
    await office.employ("max", outlet=outlet, role="outlet_manager")
    await office.employ("rita", "rob", outlet=outlet)
    return outlet


async def test_d11_a_transfer_to_2062_is_taken_back(office, north):
    customer = await office.customer(north, "rita")
    before = await office.book(customer)
    assert (await office.transfer("max", customer, "assign", "rob", FAR)).status_code == 200
    refused = await office.transfer("max", customer, "assign", "rita", FAR)
    assert (refused.status_code, refused.json()["code"]) == (409, "transfer_pending")
    assert office.id("rob") in refused.json()["detail"]
    assert "2062-01-01T00:00:00+00:00" in refused.json()["detail"]
    cancelled = await office.transfer("max", customer, "cancelTransfer")
    assert [row["staff_id"] for row in cancelled.json()["data"]] == [office.id("rita")]
    assert await office.book(customer) == before
    [told] = await office.told("customer.transfer_cancelled")
    assert (told["customer_id"], told["primary_rm_id"]) == (customer, office.id("rob"))
    assert [row["staff_id"] for row in (await office.told("customer.snapshot"))[-1]["assignments"]] == [office.id("rita")]


async def test_d11_a_replaced_transfer_takes_effect_at_its_own_instant(office, north):
    customer = await office.customer(north, "rita")
    await office.employ("rose", outlet=north)
    at = office.clock.now() + timedelta(days=2)
    await office.transfer("max", customer, "assign", "rob", FAR)
    assert (await office.transfer("max", customer, "replaceTransfer", "rose", at)).status_code == 200
    assert [(staff, begins) for staff, begins, _ in await office.book(customer)][1:] == [(office.id("rose"), at)]
    too_soon = await office.transfer("max", customer, "replaceTransfer", "rob", office.clock.now() + timedelta(minutes=4))
    assert (too_soon.status_code, too_soon.json()["code"]) == (422, "effective_too_soon")
    office.clock.set(at - timedelta(microseconds=1))
    assert (await office.call("rose", "GET", f"/v1/customers/{customer}")).status_code == 404
    office.clock.set(at)
    assert (await office.call("rose", "GET", f"/v1/customers/{customer}")).status_code == 200
    assert (await office.call("rita", "GET", f"/v1/customers/{customer}")).status_code == 404


@pytest.mark.parametrize("verb", ["replaceTransfer", "cancelTransfer"])
async def test_d11_only_what_is_pending_is_changed(office, north, verb):
    customer = await office.customer(north, "rita")
    rm = "rob" if verb == "replaceTransfer" else None
    nothing = await office.transfer("max", customer, verb, rm)
    assert (nothing.status_code, nothing.json()["code"]) == (409, "no_transfer_pending")
    await office.transfer("max", customer, "assign", "rob")
    effective_at = office.clock.now() + timedelta(minutes=5)
    office.clock.set(effective_at - timedelta(seconds=59))
    settled = await office.transfer("max", customer, verb, rm)
    assert (settled.status_code, settled.json()["code"]) == (409, "transfer_settled")
    assert (await office.book(customer))[-1][:2] == (office.id("rob"), effective_at)
    office.clock.set(effective_at)
    assert (await office.transfer("max", customer, verb, rm)).json()["code"] == "no_transfer_pending"


async def test_d11_of_transfers_and_cancellations_at_once_one_is_decided_at_a_time(office, north):
    """Whatever order the database gives them: one primary interval at every moment, and one change told for each that succeeded."""
    customer = await office.customer(north, "rita")
    assigns = [office.transfer("max", customer, "assign", rm, FAR) for rm in ("rob", "rita", "rob")]
    cancels = [office.transfer("ana", customer, "cancelTransfer") for _ in range(3)]
    replaced = [office.transfer("ana", customer, "replaceTransfer", "rob", FAR + timedelta(days=1))]
    answers = await asyncio.gather(*assigns, *cancels, *replaced)
    assert {answer.status_code for answer in answers} <= {200, 409}
    done = sum(answer.status_code == 200 for answer in answers)
    told = len(await office.told("customer.assigned")) + len(await office.told("customer.transfer_cancelled"))
    assert told == done
    book = await office.book(customer)
    assert book[0][0] == office.id("rita")
    assert [ends for _, _, ends in book] == [*(begins for _, begins, _ in book[1:]), None]
