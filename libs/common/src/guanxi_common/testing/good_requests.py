"""A good request for every operation of the three services, on things that the house for the contract tests has or makes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from guanxi_common.messaging.bus import Outgoing, Record
from guanxi_common.messaging.inbox import pack as pack_record
from guanxi_common.messaging.outbox.rows import pack as pack_rows
from guanxi_common.messaging.outbox.rows import shard_of
from guanxi_common.testing.house import House, registration

Request = tuple[str, Any]
"""Path and body."""

GoodRequests = dict[str, Callable[[str, str], Request]]
"""By operation: a function of the service and the target, which is `own`, `other` or `missing` (a thing of that customer, or that
outlet), `existing` or `missing` where nobody owns the thing, `any` where there is no thing at all."""


def good_requests(house: House) -> GoodRequests:
    of_one_service = {
        **_customer_requests(house),
        **_consent_requests(house),
        **_directory_requests(house),
        **_work_requests(house),
    }
    made = {operation: _any_service(request) for operation, request in of_one_service.items()}
    return {**made, **_model_requests(house), **_operator_requests(house)}


def interaction(customer_id: str) -> dict[str, Any]:
    """The body of a contact that did not come about, and so ends no task."""
    return {
        "customer_id": customer_id,
        "method": "phone",
        "purpose": "care",
        "occurred_at": (datetime.now(UTC) - timedelta(minutes=1)).isoformat(),
        "content": "无人接听。",
        "result": "not_reached",
    }


def complaint(customer_id: str) -> dict[str, Any]:
    common = {"category": "service", "severity": "minor", "channel": "phone"}
    return {"customer_id": customer_id, "content": "等候过久。", **common}


def satisfaction(customer_id: str) -> dict[str, Any]:
    return {"customer_id": customer_id, "satisfaction": 4, "answered_on": "2026-11-23", "asked_about": "visit"}


def product_terms(valid_from: str = "2020-01-01") -> dict[str, Any]:
    """One version of a product."""
    name = {"zh": "一年期定期存款", "en": "One-year term deposit"}
    common = {"risk_class": 1, "margin_bp": 90, "eligibility": {"customer_types": ["individual"]}}
    return {"name": name, "valid_from": valid_from, **common}


def product(code: str) -> dict[str, Any]:
    return {"code": code, "family": "deposit", "currency": "CNY", **product_terms()}


def plan(customer_id: str) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "life_stage": "single",
        "objective": "准备购房。",
        "goals": [{"area": "investment", "term": "medium", "description": "首付"}],
        "agreed_on": "2026-10-01",
        "agreement_method": "signed",
    }


def _any_service(request: Callable[[str], Request]) -> Callable[[str, str], Request]:
    return lambda _, target: request(target)


def _id(house: House, kind: str) -> Callable[[str], str]:
    return lambda target: house.ids.get(f"{kind}:{target}") or str(uuid4())


def _customer_requests(house: House) -> dict[str, Callable[[str], Request]]:
    customer = _id(house, "customer")
    outlets = {"own": "north", "other": "south"}

    def fresh(target: str) -> str:
        """A customer without an RM, so that an assignment needs no notice."""
        return house.register("service", outlets[target]) if target in outlets else str(uuid4())

    def rm(target: str) -> str:
        return house.ids["rm_b" if target == "other" else "rm_a"]

    def posting() -> dict[str, Any]:
        money = {"amount": 1, "currency": "CNY"}
        known = {"source": "core", "account_number": "holder-own", "external_id": uuid4().hex}
        return {**known, "booked_on": "2026-11-03", "money": money}

    closing = {"source": "core", "account_number": "holder-own", "kind": "closed", "closed_on": "2026-11-23"}
    day = {"booked_on": "2026-11-02", "currency": "CNY", "count": 1, "sum": 1}
    return {
        "registerCustomer": lambda t: ("/v1/customers", registration(house.ids.get(outlets.get(t, ""), str(uuid4())))),
        "readCustomer": lambda t: (f"/v1/customers/{customer(t)}", None),
        "changeCustomer": lambda t: (f"/v1/customers/{customer(t)}", {"language": "zh-CN"}),
        "searchCustomers": lambda t: (
            "/v1/customers:search",
            {"reference": {"source": "core", "customer_number": f"holder-{t}"}},
        ),
        "revealIdentity": lambda t: (f"/v1/customers/{customer(t)}:reveal", {"reason": "核对身份证件。"}),
        "assignCustomer": lambda t: (f"/v1/customers/{fresh(t)}:assign", {"rm_id": rm(t)}),
        "listAssignments": lambda t: (f"/v1/customers/{customer(t)}/assignments", None),
        "listAccounts": lambda t: (f"/v1/customers/{customer(t)}/accounts", None),
        "listParkedPostings": lambda _: ("/v1/parked-postings", None),
        "listInboundRejections": lambda _: ("/v1/inbound-rejections", None),
        "reconcile": lambda _: ("/v1/reconciliations", {"source": "core", "days": [day]}),
        "batchCreateTransactions": lambda _: ("/v1/transactions:batchCreate", {"items": [posting()]}),
        "batchCreateAccounts": lambda _: ("/v1/accounts:batchCreate", {"items": [closing]}),
    }


def _consent_requests(house: House) -> dict[str, Callable[[str], Request]]:
    customer = _id(house, "customer")

    def of(target: str, what: str) -> str:
        return f"/v1/customers/{customer(target)}/{what}"

    def vulnerability(target: str) -> str:
        return of(target, f"vulnerabilities/{_vulnerability(house, target)}")

    return {
        "grantConsents": lambda t: (of(t, "consents:grant"), {**_CONSENT, "channels": ["phone"], "text_version": uuid4().hex}),
        "withdrawConsents": lambda t: (of(t, "consents:withdraw"), _CONSENT),
        "listConsents": lambda t: (of(t, "consents"), None),
        "listConsentHistory": lambda t: (of(t, "consent-history"), None),
        "readContactPreferences": lambda t: (of(t, "contact-preferences"), None),
        "changeContactPreferences": lambda t: (
            of(t, "contact-preferences"),
            {"method": "phone", "contact_limits": {"max_contacts": 1000, "per_days": 30}},
        ),
        "assessRisk": lambda t: (of(t, "risk-profiles"), {"level": 3, "method": "interview"}),
        "listRiskProfiles": lambda t: (of(t, "risk-profiles"), None),
        "readCustomerTier": lambda t: (of(t, "tier"), None),
        "openVulnerability": lambda t: (of(t, "vulnerabilities"), _vulnerable()),
        "listVulnerabilities": lambda t: (of(t, "vulnerabilities"), None),
        "reviewVulnerability": lambda t: (f"{vulnerability(t)}:review", {"review_on": _in_a_month()}),
        "resolveVulnerability": lambda t: (f"{vulnerability(t)}:resolve", {"resolution": "情况已好转。"}),
    }


def _directory_requests(house: House) -> dict[str, Callable[[str], Request]]:
    def existing(name: str, target: str) -> str:
        return house.ids[name] if target == "existing" else str(uuid4())

    def code() -> str:
        return uuid4().hex

    def queued_run() -> str:
        return str(house.call("scoring", "head_office", "POST", "/v1/score-runs", json={}).json()["id"])

    def listed(target: str) -> str:
        """The code of a product of its own."""
        fresh = code()
        if target == "existing":
            house.create("customer", "head_office", "/v1/products", product(fresh))
        return fresh

    return {
        "listOutlets": lambda _: ("/v1/outlets", None),
        "registerOutlet": lambda _: ("/v1/outlets", {"code": code(), "name": "新网点", "kind": "traditional"}),
        "readOutlet": lambda t: (f"/v1/outlets/{existing('north', t)}", None),
        "listStaff": lambda _: ("/v1/staff", None),
        "registerStaff": lambda _: ("/v1/staff", {"subject": code(), "name": "新人", "role": "teller"}),
        "readCaller": lambda _: ("/v1/staff/me", None),
        "readStaff": lambda t: (f"/v1/staff/{existing('colleague', t)}", None),
        "changeStaff": lambda t: (f"/v1/staff/{existing('colleague', t)}", {"name": "colleague"}),
        "listRoles": lambda _: ("/v1/roles", None),
        "createProduct": lambda _: ("/v1/products", product(code())),
        "publishProductVersion": lambda t: (f"/v1/products/{listed(t)}/versions", product_terms("2100-01-01")),
        "listProducts": lambda _: ("/v1/products", None),
        "readProduct": lambda t: (f"/v1/products/{listed(t)}", None),
        "startScoreRun": lambda _: ("/v1/score-runs", {}),
        "readScoreRun": lambda t: (f"/v1/score-runs/{existing('run', t)}", None),
        "cancelScoreRun": lambda t: (f"/v1/score-runs/{queued_run() if t == 'existing' else uuid4()}:cancel", {}),
        "readRfmMigrations": lambda _: ("/v1/rfm-migrations?from=2026-06-30&to=2026-10-31", None),
        "readConcentration": lambda _: ("/v1/concentration?by=outlet", None),
        "drawConcentration": lambda _: ("/v1/concentration/curve.svg", None),
        "listLifetimeModels": lambda _: ("/v1/lifetime-models", None),
    }


def _work_requests(house: House) -> dict[str, Callable[[str], Request]]:
    customer, task = _id(house, "customer"), _id(house, "task")
    met, agreed = _id(house, "interaction"), _id(house, "plan")

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
        "openComplaint": lambda t: ("/v1/complaints", complaint(customer(t))),
        "readComplaint": lambda t: (f"/v1/complaints/{_complaint(house, t)}", None),
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
        "readWorklist": lambda _: ("/v1/worklist", None),
        "readTask": lambda t: (f"/v1/tasks/{task(t)}", None),
        "readActivity": lambda t: (f"/v1/activity/{customer(t)}", None),
        "readScore": lambda t: (f"/v1/scores/{customer(t)}", None),
        "readRelatedSales": lambda t: (f"/v1/related-sales/{customer(t)}", None),
        "listActions": lambda _: ("/v1/actions", None),
        "readCustomerActions": lambda t: (f"/v1/actions/{customer(t)}", None),
        "listCustomersWithoutAction": lambda _: ("/v1/customers-without-action", None),
        "readUplift": lambda _: ("/v1/uplift", None),
        "listSignals": lambda t: (f"/v1/signals?customer_id={customer(t)}", None),
    }


def _model_requests(house: House) -> dict[str, Callable[[str, str], Request]]:
    def model(target: str, state: str = "back_tested") -> str:
        return f"/v1/models/{_model(house, state) if target == 'existing' else uuid4()}"

    def training(_: str, __: str) -> Request:
        house.fetch("scoring", "UPDATE feed_position SET booked_on = greatest(booked_on, '2026-11-01')")
        return "/v1/model-trainings", {"train_cuts": ["2026-03-31"]}

    why = {"reason": "按流程。"}
    return {
        "startModelTraining": training,
        "readModelTraining": lambda _, t: (f"/v1/model-trainings/{_training(house) if t == 'existing' else uuid4()}", None),
        "listModels": lambda _, __: ("/v1/models", None),
        "readModel": lambda _, t: (model(t), None),
        "readModelCard": lambda _, t: (f"{model(t)}/card", None),
        "readModelDrift": lambda _, t: (f"{model(t)}/drift", None),
        "approveModel": lambda _, t: (f"{model(t)}:approve", why),
        "activateModel": lambda _, t: (f"{model(t, 'approved')}:activate", {**why, "replaces": None}),
        "rollbackModel": lambda _, t: (f"{model(t, 'active')}:rollback", why),
    }


def _operator_requests(house: House) -> dict[str, Callable[[str, str], Request]]:
    def letter(service: str, target: str) -> str:
        return _dead_letter(house, service) if target == "existing" else str(uuid4())

    def base(service: str) -> str:
        return f"/v1/{service}-svc"

    return {
        "listDeadLetters": lambda s, _: (f"{base(s)}/dead-letters", None),
        "showDeadLetter": lambda s, t: (f"{base(s)}/dead-letters/{letter(s, t)}", None),
        "replayDeadLetter": lambda s, t: (f"{base(s)}/dead-letters/{letter(s, t)}:replay", None),
        "skipDeadLetter": lambda s, t: (f"{base(s)}/dead-letters/{letter(s, t)}:skip", None),
        "listParkedEvents": lambda s, _: (f"{base(s)}/parked-events", None),
        "acceptGap": lambda s, t: (f"{base(s)}/parked-events:acceptGap", _gap(house, s, t)),
        "listBlockedKeys": lambda s, _: (f"{base(s)}/blocked-keys", None),
        "retryBlockedKey": lambda s, t: (f"{base(s)}/blocked-keys:retry", _blocked(house, s, t)),
        "skipBlockedRecord": lambda s, t: (f"{base(s)}/blocked-keys:skip", _blocked(house, s, t)),
    }


_CONSENT = {"purpose": "marketing", "method": "signed_form"}


def _in_a_month() -> str:
    return (datetime.now(UTC) + timedelta(days=30)).date().isoformat()


def _vulnerable() -> dict[str, Any]:
    return {"kind": "health", "evidence": "customer", "reason": "客户住院。", "review_on": _in_a_month()}


def _vulnerability(house: House, target: str) -> str:
    """An open vulnerability of the target's customer."""
    if target not in ("own", "other"):
        return str(uuid4())
    path = f"/v1/customers/{house.ids[f'customer:{target}']}/vulnerabilities"
    return house.create("customer", "rm_a" if target == "own" else "rm_b", path, _vulnerable())


def _complaint(house: House, target: str) -> str:
    """An open complaint of the target's customer."""
    if target not in ("own", "other"):
        return str(uuid4())
    caller = "rm_a" if target == "own" else "rm_b"
    return house.create("engagement", caller, "/v1/complaints", complaint(house.ids[f"customer:{target}"]))


def _model(house: House, state: str) -> str:
    """A version of a name of its own, trained by somebody who is not here."""
    model_id = uuid4()
    house.fetch(
        "scoring",
        "INSERT INTO model_version (id, name, number, kind, state, trained_by, trained_at, training, back_test, distributions,"
        " card, artefact_text, artefact_members, digest)"
        " VALUES ($1, $2, 1, 'logistic', $3, 'staff:gone', now(), '{}', '{}', '{}', '# card', '{}', '', '0')",
        model_id,
        f"related_sale:{model_id.hex}",
        state,
    )
    return str(model_id)


def _training(house: House) -> str:
    training_id = uuid4()
    house.fetch(
        "scoring",
        "INSERT INTO model_training (id, name, request, state, requested_by, requested_at)"
        " VALUES ($1, 'retention', '{}', 'queued', 'staff:gone', now())",
        training_id,
    )
    return str(training_id)


_CONTACT = {"purpose": "service", "channel": "phone"}


def _reservation(house: House, customer_id: str) -> str:
    """A contact of the customer that is set aside; returns its id."""
    reservation_id = str(uuid4())
    house.fetch(
        "engagement",
        "WITH budget AS (INSERT INTO contact_budget VALUES ($2, '2020-01-01', 30, 0, 1, 0)"
        " ON CONFLICT (customer_id, period_start, per_days) DO UPDATE SET reserved = contact_budget.reserved + 1)"
        " INSERT INTO contact_reservation VALUES"
        " ($1, $2, '2020-01-01', 30, 'service', 'phone', 'reserved', false, 'seed', now(), NULL)",
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


def _dead_letter(house: House, service: str) -> str:
    """An open dead letter of the service; returns its id."""
    letter_id = uuid4()
    record = pack_record(Record("customer.snapshots", 0, letter_id.int % 2**60, b"k", b"no JSON", (), 0))
    house.fetch(
        service,
        'INSERT INTO dead_letter (id, consumer, topic, partition, "offset", key, record, reason, error)'
        " VALUES ($1, $2, 'customer.snapshots', 0, $3, 'k', $4, 'malformed', 'malformed')",
        letter_id,
        service,
        letter_id.int % 2**60,
        record,
    )
    return str(letter_id)


def _gap(house: House, service: str, target: str) -> dict[str, str]:
    """A key whose version 3 waits for version 2."""
    waiting = {"consumer": service, "topic": "customer.changes", "key": str(uuid4())}
    if target == "existing":
        house.fetch(service, "INSERT INTO inbox_version VALUES ($1, $2, $3, 1)", *waiting.values())
        house.fetch(
            service,
            "INSERT INTO inbox_parked (consumer, topic, key, event_id, type, version, reason, record)"
            " VALUES ($1, $2, $3, gen_random_uuid(), 'guanxi.customer.changed.v1', 3, 'gap', ''::bytea)",
            *waiting.values(),
        )
    return waiting


def _blocked(house: House, service: str, target: str) -> dict[str, str]:
    """A key whose one record the broker refused."""
    topic, key = "customer.changes", str(uuid4())
    if target == "existing":
        payload = pack_rows([Outgoing(topic, key.encode(), b"{}", ())])
        house.fetch(
            service,
            "WITH row AS (INSERT INTO outbox (shard, topic, key, payload, event_count, blocked_at)"
            " VALUES ($3, $1, $2, $4, 1, now()) RETURNING sequence)"
            " INSERT INTO outbox_blocked_key (topic, key, shard, sequence, error) SELECT $1, $2, $3, sequence, 'refused' FROM row",
            topic,
            key,
            shard_of(key.encode()),
            payload,
        )
    return {"topic": topic, "key": key}
