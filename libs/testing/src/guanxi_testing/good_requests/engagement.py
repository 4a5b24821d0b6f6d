"""Good requests of engagement-svc."""

from datetime import UTC, datetime
from uuid import uuid4

from guanxi_testing.good_requests.bodies import complaint, interaction, plan, satisfaction
from guanxi_testing.good_requests.targets import OfOneService, id_of
from guanxi_testing.house import House

_CONTACT = {"purpose": "service", "channel": "phone"}


def engagement_requests(house: House) -> OfOneService:
    customer, task = id_of(house, "customer"), id_of(house, "task")
    met, agreed = id_of(house, "interaction"), id_of(house, "plan")

    def offer(target: str) -> str:
        known = house.ids.get(f"customer:{target}")
        return _offer(house, known) if known else str(uuid4())

    def reservation(target: str) -> str:
        known = house.ids.get(f"customer:{target}")
        return _reservation(house, known) if known else str(uuid4())

    review = {
        "reviewed_at": datetime.now(UTC).isoformat(),
        "changes": "无",
        "portfolio_against_plan": "一致",
        "advice": "保持",
        "outcome": "on_track",
    }
    return {
        "recordInteraction": lambda t: ("/v1/interactions", interaction(customer(t))),
        "correctInteraction": lambda t: (
            f"/v1/interactions/{_contact(house, t)}:correct",
            {"materials": ["表"], "reason": "漏记。"},
        ),
        "listInteractionRevisions": lambda t: (f"/v1/interactions/{met(t)}/revisions", None),
        "openComplaint": lambda t: ("/v1/complaints", complaint(customer(t))),
        "readComplaint": lambda t: (f"/v1/complaints/{_complaint(house, t)}", None),
        "acknowledgeComplaint": lambda t: (f"/v1/complaints/{_complaint(house, t)}:acknowledge", {"through": "phone"}),
        "resolveComplaint": lambda t: (
            f"/v1/complaints/{_complaint(house, t)}:resolve",
            {"outcome": "upheld", "remedy": "致歉。"},
        ),
        "recordSatisfaction": lambda t: ("/v1/satisfaction-answers", satisfaction(customer(t))),
        "listSatisfaction": lambda t: (f"/v1/satisfaction-answers?customer_id={customer(t)}", None),
        "readInteraction": lambda t: (f"/v1/interactions/{met(t)}", None),
        "listInteractions": lambda t: (f"/v1/interactions?customer_id={customer(t)}", None),
        "agreePlan": lambda t: ("/v1/plans", plan(customer(t))),
        "readPlan": lambda t: (f"/v1/plans/{agreed(t)}", None),
        "reviewPlan": lambda t: (f"/v1/plans/{agreed(t)}/reviews", review),
        "readContactBudget": lambda t: (f"/v1/contact-budget/{customer(t)}", None),
        "reserveContact": lambda t: ("/v1/contact-budget:reserve", {"customer_id": customer(t), **_CONTACT}),
        "confirmContact": lambda t: ("/v1/contact-budget:confirm", {"reservation_id": reservation(t)}),
        "releaseContact": lambda t: ("/v1/contact-budget:release", {"reservation_id": reservation(t)}),
        "declineAction": lambda t: (f"/v1/tasks/{offer(t)}:decline", {"reason": "bad_moment"}),
        "snoozeTask": lambda t: (f"/v1/tasks/{task(t)}:snooze", {"until": None}),
        "delegateTask": lambda t: (f"/v1/tasks/{task(t)}:delegate", {"to": None}),
        "readWorklist": lambda _: ("/v1/worklist", None),
        "readTask": lambda t: (f"/v1/tasks/{task(t)}", None),
    }


def _contact(house: House, target: str) -> str:
    """A contact with the target's customer that was recorded just now."""
    if target not in ("own", "other"):
        return str(uuid4())
    caller = "rm_a" if target == "own" else "rm_b"
    return house.create("engagement", caller, "/v1/interactions", interaction(house.ids[f"customer:{target}"]))


def _complaint(house: House, target: str) -> str:
    """An open complaint of the target's customer."""
    if target not in ("own", "other"):
        return str(uuid4())
    caller = "rm_a" if target == "own" else "rm_b"
    return house.create("engagement", caller, "/v1/complaints", complaint(house.ids[f"customer:{target}"]))


def _reservation(house: House, customer_id: str) -> str:
    """A contact of the customer that is set aside; returns its id."""
    reservation_id = str(uuid4())
    house.fetch(
        "engagement",
        "INSERT INTO contact_reservation (id, customer_id, purpose, channel, state, overdrawn, requested_by, reserved_at)"
        " VALUES ($1, $2, 'service', 'phone', 'reserved', false, 'seed', now())",
        reservation_id,
        customer_id,
    )
    return reservation_id


def _offer(house: House, customer_id: str) -> str:
    """An open task of the customer that carries an offer; returns its id."""
    task_id = str(uuid4())
    house.fetch(
        "engagement",
        "WITH offered AS (INSERT INTO action VALUES"
        " (gen_random_uuid(), $2, 'related_sale', 'phone', NULL, '2100-01-01', 'accepted', NULL, $1, NULL, now(), NULL, NULL, 2))"
        " INSERT INTO task (id, customer_id, task_type, origin, reason_code, reason_en, reason_zh, evidence, priority, rank_key,"
        " opened_at, due_at, zone, calendar_version, due_provisional, state, standards_version) VALUES"
        " ($1, $2, 'next_best_action', 'action:' || $1::text, 'offer', 'An offer.', '营销建议。', '{}', 90, 1 << 40, now(), now(),"
        " 'Asia/Shanghai', 'seed', false, 'open', 2)",
        task_id,
        customer_id,
    )
    return task_id
