"""reliability.md, section 5: what an abuser sends over HTTP gets its stated answer from every operation; nothing is echoed."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any
from uuid import uuid4

import pytest
from guanxi_common.http.openapi import operations
from guanxi_common.http.settings import RATES
from guanxi_testing.bad_bodies import BAD_BODIES, SECRET, BadBody
from guanxi_testing.good_requests.targets import GoodRequests
from guanxi_testing.house import House

from tests.contract.sheet import SHEET

WRITING = [
    "registerCustomer", "changeCustomer", "searchCustomers", "revealIdentity", "assignCustomer", "batchCreateAccounts",
    "batchCreateTransactions", "reconcile", "registerOutlet", "registerStaff", "changeStaff", "recordInteraction", "agreePlan",
    "openComplaint", "resolveComplaint", "grantConsents", "withdrawConsents", "changeContactPreferences", "assessRisk",
    "openVulnerability", "reviewVulnerability", "resolveVulnerability", "createProduct", "publishProductVersion",
    "breakGlass", "reviewAccessGrant", "recordSatisfaction", "acknowledgeComplaint", "snoozeTask", "delegateTask", "correctInteraction",
    "reviewPlan", "declineAction", "reserveContact", "confirmContact", "releaseContact", "startScoreRun", "startModelTraining",
    "approveModel", "activateModel", "rollbackModel", "acceptGap", "retryBlockedKey", "skipBlockedRecord",
    "resumePartition", "skipPartitionLetters", "approveProposal", "rejectProposal",
    "registerClient", "changeClient", "eraseCustomer", "replaceTransfer", "suspendStaff",
    "reinstateStaff", "deactivateStaff", "closeMatchCase", "proposeStandard", "approveStandard", "rejectStandard",
]  # fmt: skip
TAKES_A_NAME_ALONE = {"changeCustomer", "searchCustomers", "changeStaff", "changeClient"}
"""To these the corpus' body with a name and nothing else is a good one."""
PROBLEM = "application/problem+json"


def places(house: House, operation: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(service, method, description) wherever the operation is served."""
    for service, app in house.apps.items():
        for _, method, described in operations(app.openapi()):
            if described["operationId"] == operation:
                yield service, method.upper(), described


def test_the_list_names_every_operation_with_a_body(house: House) -> None:
    with_body = {
        described["operationId"]
        for app in house.apps.values()
        for _, _, described in operations(app.openapi())
        if "requestBody" in described
    }
    assert with_body == set(WRITING)


@pytest.mark.parametrize("operation", WRITING)
def test_bad_bodies(house: House, requests: GoodRequests, operation: str) -> None:
    target, caller = SHEET.permitted(operation)
    wrong = []
    for service, method, described in places(house, operation):
        path, _ = requests[operation](service, target)
        for bad in BAD_BODIES:
            if bad.status == 413 and "x-max-body-bytes" in described:
                continue
            if bad.content_type == "application/merge-patch+json" and method == "PATCH":
                continue
            if bad.name == "missing field" and operation in TAKES_A_NAME_ALONE:
                continue
            wrong += [f"{service}: {bad.name}: {told}" for told in _told(house, service, caller, method, path, bad)]
    assert wrong == []


def _told(house: House, service: str, caller: str, method: str, path: str, bad: BadBody) -> Iterator[str]:
    headers = {"Content-Type": bad.content_type} if bad.content_type else {}
    answer = house.call(service, caller, method, path, content=bad.body, headers=headers)
    if answer.status_code != bad.status or answer.headers["content-type"] != PROBLEM or answer.json()["code"] != bad.code:
        yield f"{answer.status_code} {answer.text[:120]} instead of {bad.status} {bad.code}"
    if SECRET in answer.text:
        yield "the input is echoed"


@pytest.mark.parametrize("operation", WRITING)
def test_one_bad_value_in_a_good_body(house: House, requests: GoodRequests, operation: str) -> None:
    """Every value in turn becomes what no column can hold, beside an identity number in a field that is not known."""
    target, caller = SHEET.permitted(operation)
    wrong = []
    for service, method, _ in places(house, operation):
        path, good = requests[operation](service, target)
        for where, body in _spoilt(good):
            answer = house.call(
                service, caller, method, path, content=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
            )
            if not _is_refused(answer, in_an_item="items" in where) or SECRET in answer.text:
                wrong.append(f"{service}: {where}: {answer.status_code} {answer.text[:200]}")
    assert wrong == []


def _is_refused(answer: Any, *, in_an_item: bool) -> bool:
    """What is wrong in one item of a batch refuses that item alone (D12)."""
    if in_an_item and answer.status_code == 200:
        return [one["error"]["code"] for one in answer.json()["items"]] == ["invalid_item"]
    return answer.status_code == 422


def _spoilt(good: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in ("role_of_caller", "branch", "identity_number"):
        yield f"unknown {name}", {**good, name: SECRET}
    for path in _leaves(good):
        value = _at(good, path)
        for label, bad in _bad_values(value):
            body = deepcopy(good)
            _at(body, path[:-1])[path[-1]] = bad
            yield f"{label} at {path}", body


def _bad_values(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, str):
        yield "U+0000", f"{SECRET}\0"
        yield "lone surrogate", f"{SECRET}\ud800"
        yield "too long", SECRET * 1000
        yield "a list", [SECRET]
    elif isinstance(value, int):
        yield "2^63", 2**63
        yield "text", SECRET
        yield "a fraction", 1.5


def _leaves(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, child in children:
        if isinstance(child, (dict, list)):
            yield from _leaves(child, (*path, name))
        else:
            yield (*path, name)


def _at(node: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        node = node[name]
    return node


@pytest.mark.parametrize("field", ["role", "branch", "outlet_id", "version", "id"])
def test_a_patch_cannot_reach_what_it_does_not_name(house: House, field: str) -> None:
    path = f"/v1/customers/{house.ids['customer:own']}"
    assert house.call("customer", "rm_a", "PATCH", path, json={field: "head_office"}).status_code == 422


def test_forged_headers_of_identity_are_ignored(house: House) -> None:
    forged = {
        "X-User": "head_office",
        "X-Forwarded-User": "head_office",
        "X-Role": "head_office",
        "X-Staff-Id": house.ids["rm_b"],
    }
    path = f"/v1/customers/{house.ids['customer:other']}"
    assert house.call("customer", "rm_a", "GET", path, headers=forged).status_code == 404
    assert house.call("customer", None, "GET", path, headers=forged).status_code == 401


@pytest.mark.parametrize("typed", ["王%q", "' OR 1=1 --", '"; DROP TABLE customer; --', "%明%王%"])
def test_what_is_typed_into_a_search_is_literal(house: House, typed: str) -> None:
    answer = house.call("customer", "compliance", "POST", "/v1/customers:search", json={"name": typed})
    assert answer.status_code == 200
    assert answer.json()["data"] == []


@pytest.mark.parametrize("typed", ["%", "_", "\\", "*", "%%%"])
def test_a_search_for_punctuation_alone_is_refused(house: House, typed: str) -> None:
    answer = house.call("customer", "compliance", "POST", "/v1/customers:search", json={"name": typed})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/name"


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("customer", "/v1/outlets"), ("customer", "/v1/staff"), ("customer", "/v1/parked-postings"),
        ("engagement", "/v1/worklist"), ("scoring", "/v1/lifetime-models"), ("scoring", "/v1/scoring-svc/dead-letters"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("limit", ["1000000000", "0", "-1", "101", "1e3", "９", ""])
def test_a_page_has_a_limit(house: House, service: str, path: str, limit: str) -> None:
    callers = {"/v1/worklist": "rm_a"}
    assert house.call(service, callers.get(path, "operations"), "GET", path, params={"limit": limit}).status_code == 422


def test_a_search_has_a_limit(house: House) -> None:
    body = {"name": "王", "limit": 1_000_000_000}
    assert house.call("customer", "rm_a", "POST", "/v1/customers:search", json=body).status_code == 422


def test_a_forged_cursor_is_refused(house: House) -> None:
    assert house.call("customer", "operations", "GET", "/v1/outlets", params={"cursor": "A" * 80}).status_code == 400


def test_versions_are_demanded(house: House) -> None:
    path = f"/v1/customers/{house.ids['customer:own']}"
    assert house.call("customer", "rm_a", "PATCH", path, json={"sex": "male"}, headers={"If-Match": '"999"'}).status_code == 412
    token = {"Authorization": f"Bearer {house.token('rm_a')}"}
    assert house.client.patch(house.urls["customer"] + path, json={"sex": "male"}, headers=token).status_code == 428


def test_an_rm_who_asks_for_anothers_worklist_gets_nothing(house: House) -> None:
    answer = house.call("engagement", "rm_a", "GET", "/v1/worklist", params={"rm_id": house.ids["rm_b"]})
    assert (answer.status_code, answer.json()["data"]) == (200, [])
    answer = house.call("customer", "rm_a", "POST", "/v1/customers:search", json={"rm_id": house.ids["rm_b"]})
    assert (answer.status_code, answer.json()["data"]) == (200, [])


def test_blind_search_is_cut_off(house: House) -> None:
    """A caller who tries identity numbers one by one is stopped by the stricter rate; others go on."""
    house.limit_rates({**RATES, "search": "20/minute"})
    try:
        body = {"identity_document": {"kind": "passport", "number": "E0000001"}}
        answers = [house.call("customer", "colleague", "POST", "/v1/customers:search", json=body) for _ in range(21)]
        assert [answer.status_code for answer in answers] == [200] * 20 + [429]
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert house.call("customer", "rm_b", "POST", "/v1/customers:search", json=body).status_code == 200
    finally:
        house.limit_rates(dict.fromkeys(RATES, "1000000/minute"))


def test_what_is_tried_without_the_permission_is_audited(house: House) -> None:
    body = {"code": uuid4().hex, "name": "网点", "kind": "traditional"}
    assert house.call("customer", "teller", "POST", "/v1/outlets", json=body).status_code == 403
    [row] = house.fetch(
        "customer",
        "SELECT actor, action, subject_id FROM audit_entry WHERE subject_type = 'denied_permission' AND action = 'registerOutlet'"
        " ORDER BY id DESC LIMIT 1",
    )
    assert tuple(row) == (f"staff:{house.ids['teller']}", "registerOutlet", "directory.write")


@pytest.mark.parametrize("name", ["王\n伟", "王\r\n{}", "\x1b[31m", "王\u2028伟", "王\x85伟"])
def test_no_name_breaks_a_line(house: House, name: str) -> None:
    """A name is one line, so that it can forge none, wherever it is printed."""
    reference = {"source": "core", "customer_number": uuid4().hex}
    body = {"reference": reference, "customer_type": "individual", "name": name, "outlet_id": house.ids["north"]}
    assert house.call("customer", "rm_a", "POST", "/v1/customers", json=body).status_code == 422
