"""D11: who is suspended, leaves, moves or changes role leaves nobody without a responsible person."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

pytestmark = pytest.mark.anyio
FAR = datetime(2062, 1, 1, tzinfo=UTC)
REASON = {"reason": "Seen."}


@pytest.fixture
async def north(office):
    """The outlet of `max`, its manager, and of the RMs `rita` (deputy: `rob`) and `rob`; `sue` is at the south."""
    outlet = await office.branch()
    await office.employ("max", outlet=outlet, role="outlet_manager")
    await office.employ("rita", "rob", outlet=outlet)
    await office.employ("sue", outlet=await office.branch("south"))
    assert (await office.patch("ana", "rita", {"deputy_id": office.id("rob")})).status_code == 200
    return outlet


async def act(office, who, subject, verb, body=None):
    return await office.post(who, f"/v1/staff/{office.id(subject)}:{verb}", body or {})


async def responsible(office, customer):
    return (await office.call("ana", "GET", f"/v1/customers/{customer}/assignments")).json()["responsible_id"]


async def test_d11_a_suspension_is_never_refused_and_the_deputy_then_the_lead_is_responsible(office, north):
    customer = await office.customer(north, "rita")
    await office.transfer("max", await office.customer(north, "rob"), "assign", "rita", FAR)
    assert await responsible(office, customer) == office.id("rita")
    answers = [await act(office, "ana", "rita", "suspend", REASON) for _ in range(2)]
    assert [(answer.status_code, answer.json()["suspended"]) for answer in answers] == [(200, True)] * 2
    assert (await office.call("rita", "GET", f"/v1/customers/{customer}")).status_code == 403
    assert await responsible(office, customer) == office.id("rob")
    assert (await office.call("rob", "GET", f"/v1/customers/{customer}")).status_code == 200
    assert [told["suspended"] for told in await office.told("staff.snapshot") if told["subject"] == "rita"] == [
        False,
        False,
        True,
    ]
    await act(office, "ana", "rob", "suspend", REASON)
    assert await responsible(office, customer) == office.id("max")
    refused = await office.transfer("max", customer, "assign", "rob")
    assert (refused.status_code, refused.json()["code"]) == (422, "not_assignable")
    assert (await act(office, "ana", "rita", "reinstate", REASON)).json()["suspended"] is False
    assert await responsible(office, customer) == office.id("rita")
    assert (await office.call("rita", "GET", f"/v1/customers/{customer}")).status_code == 200
    assert (await office.call("rob", "GET", f"/v1/customers/{customer}")).status_code == 403


async def test_d11_one_person_suspends_the_holder_of_a_power_role_and_two_lift_it(office):
    await office.enter("cora", "compliance_officer")
    assert (await act(office, "cora", "ana", "suspend", REASON)).status_code == 200
    assert (await office.call("ana", "GET", "/v1/outlets")).status_code == 403
    proposal = await act(office, "ben", "ana", "reinstate", REASON)
    assert (proposal.status_code, proposal.json()["changes"]) == (202, ["suspended"])
    assert (await office.call("ana", "GET", "/v1/outlets")).status_code == 403
    assert (await office.decide("ben", proposal.json())).json()["code"] == "same_person"
    assert (await office.decide("cora", proposal.json())).status_code == 200
    assert (await office.call("ana", "GET", "/v1/outlets")).status_code == 200


@pytest.mark.parametrize("change", [{"active": False}, {"role": "teller"}, {"outlet_id": None}])
async def test_d11_who_keeps_customers_does_not_leave_move_or_change_role(office, north, change):
    customer = await office.customer(north, "rita")
    await office.transfer("max", await office.customer(north, "rob"), "assign", "rita", FAR)
    refused = await office.patch("ana", "rita", change)
    assert (refused.status_code, refused.json()["code"]) == (409, "book_not_empty")
    assert refused.json()["detail"] == "1 customers are in the book, and 1 are to come by a transfer."
    named = await office.patch("ana", "rita", {"name": "Rita", "hand_over_to": office.id("rob")})
    assert named.json()["code"] == "nothing_to_hand_over"
    for nobody in ("nobody", "rita"):
        answer = await office.patch("ana", "rita", {**change, "hand_over_to": office.id(nobody)})
        assert (answer.status_code, answer.json()["code"]) == (422, "not_assignable")
    assert await responsible(office, customer) == office.id("rita")
    assert (await office.patch("ana", "rita", {**change, "hand_over_to": office.id("sue")})).status_code == 200
    assert await responsible(office, customer) == office.id("sue")


async def test_d11_a_dismissal_hands_over_customers_and_transfers_to_come_in_one_transaction(office, north):
    """500 customers would be the same statements; here are three, one of them to come and one to go."""
    mine, going, coming = [await office.customer(north, rm) for rm in ("rita", "rita", "rob")]
    await office.transfer("ana", going, "assign", "sue", FAR)
    await office.transfer("max", coming, "assign", "rita", FAR)
    office.clock.advance(timedelta(hours=1))
    now, rita, rob, sue = office.clock.now(), *map(office.id, ("rita", "rob", "sue"))
    began = (await office.book(mine))[0][1]
    answer = await act(office, "ana", "rita", "deactivate", {"hand_over_to": rob})
    assert (answer.status_code, answer.json()["active"]) == (200, False)
    assert await office.book(mine) == [(rita, began, now), (rob, now, None)]
    assert await office.book(going) == [(rita, began, now), (rob, now, FAR), (sue, FAR, None)]
    assert await office.book(coming) == [(rob, began, FAR), (rob, FAR, None)]
    told = {told["customer_id"]: (told["primary_rm_id"], told["effective_at"]) for told in await office.told("customer.assigned")}
    assert told == {
        mine: (rob, "2026-11-28T03:00:00Z"),
        going: (rob, "2026-11-28T03:00:00Z"),
        coming: (rob, "2062-01-01T00:00:00Z"),
    }
    audited = await office.fetch(
        "SELECT subject_id FROM audit_entry WHERE action = 'deactivateStaff' AND subject_type = 'customer'"
    )
    assert {row[0] for row in audited} == {mine, going, coming}
    again = await act(office, "ana", "rita", "deactivate", {"reason": "Again."})
    assert (again.status_code, again.json()["version"]) == (200, answer.json()["version"])


async def test_d11_a_proposal_hands_over_when_it_comes_into_force(office, north):
    customer = await office.customer(north, "rita")
    promoted = {"role": "operations", "outlet_id": None, "reason": "Joins."}
    assert (await office.patch("ana", "rita", promoted)).json()["code"] == "book_not_empty"
    proposal = await office.patch("ana", "rita", {**promoted, "hand_over_to": office.id("rob")})
    assert (proposal.status_code, proposal.json()["hand_over_to"]) == (202, office.id("rob"))
    assert await responsible(office, customer) == office.id("rita")
    assert (await office.decide("ben", proposal.json())).status_code == 200
    assert await responsible(office, customer) == office.id("rob")


async def test_d11_whoever_wins_nobody_is_given_to_somebody_who_has_left(office, north):
    """Transfers to rita, a customer filed by her, and her dismissal, all at once."""
    customers = [await office.customer(north) for _ in range(4)]
    dismissed, *_ = await asyncio.gather(
        act(office, "ana", "rita", "deactivate", {"hand_over_to": office.id("rob")}),
        *(office.transfer("max", customer, "assign", "rita") for customer in customers),
    )
    assert dismissed.status_code == 200
    left = await office.fetch(
        "SELECT customer_id FROM book_assignment WHERE staff_id = $1 AND (valid_to IS NULL OR valid_to > $2)",
        office.id("rita"),
        office.clock.now(),
    )
    assert left == []
    lead_or_rob = {await responsible(office, customer) for customer in customers}
    assert lead_or_rob <= {office.id("rob"), office.id("max")}


async def test_d11_a_leave_needs_both_ends_and_a_deputy_who_can_work_the_book(office, north):
    now, later = office.clock.now(), office.clock.now() + timedelta(days=14)
    leave = {"away_from": now.isoformat(), "away_until": later.isoformat()}
    refused = {
        "invalid_absence": [{"away_from": now.isoformat()}, {**leave, "away_until": now.isoformat()}],
        "unsuitable_deputy": [{"deputy_id": office.id(who)} for who in ("rita", "max", "nobody")],
    }
    for code, changes in refused.items():
        for change in changes:
            assert (await office.patch("ana", "rita", change)).json()["code"] == code, change
    assert (await office.patch("ana", "rita", leave)).status_code == 200
    customer = await office.customer(north, "rita")
    assert (await office.call("rob", "GET", f"/v1/customers/{customer}")).status_code == 200
    assert (await office.call("rita", "GET", f"/v1/customers/{customer}")).status_code == 200
    office.clock.set(later)
    assert (await office.call("rob", "GET", f"/v1/customers/{customer}")).status_code == 404
    assert (await office.patch("ana", "rita", {"away_from": None, "away_until": None})).json()["away_from"] is None
