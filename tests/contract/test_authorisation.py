"""R8: every operation of the three services × who calls × whose thing is touched, as `authorisation.yaml` says."""

import pytest
from customer_svc.directory.policy import load_roles
from guanxi_common.http.openapi import operations
from guanxi_common.http.routes import PERMISSION_KEY
from guanxi_testing.good_requests.targets import GoodRequests
from guanxi_testing.house import House

from tests.contract.sheet import NO_TOKEN, SHEET


def test_every_operation_has_its_rows_and_every_row_an_operation(house: House) -> None:
    found = {operation["operationId"]: path for app in house.apps.values() for path, _, operation in operations(app.openapi())}
    assert found.keys() == SHEET.rows.keys()
    for operation, path in found.items():
        if "{" in path:
            assert "missing" in SHEET.rows[operation], f"{operation} names a thing, so one that is missing needs a row"
        if "{customer_id}" in path:
            assert SHEET.rows[operation].keys() == {"own", "other", "missing"}


def test_b6_an_operation_demands_the_permission_by_which_it_is_judged(house: House) -> None:
    demanded = {
        operation["operationId"]: operation[PERMISSION_KEY]
        for app in house.apps.values()
        for _, _, operation in operations(app.openapi())
    }
    assert demanded == SHEET.permissions


def test_b6_every_role_has_a_caller() -> None:
    assert {post.role for post in SHEET.posts.values()} == {role.role for role in load_roles().roles}


@pytest.mark.parametrize("operation", SHEET.rows)
def test_who_may(house: House, requests: GoodRequests, operation: str) -> None:
    """What a request names is made anew only after one that succeeded: a refused one has spent nothing."""
    wrong = []
    for service, app in house.apps.items():
        for _, method, described in operations(app.openapi()):
            if described["operationId"] != operation:
                continue
            for target, statuses in SHEET.rows[operation].items():
                path, body = requests[operation](service, target)
                for caller, status in statuses.items():
                    answer = house.call(service, None if caller == NO_TOKEN else caller, method.upper(), path, json=body)
                    if answer.status_code != status:
                        wrong.append(
                            f"{service} {caller} on {target}: {answer.status_code} instead of {status}: {answer.text[:200]}"
                        )
                    if answer.is_success and method != "get":
                        path, body = requests[operation](service, target)
    assert wrong == []


@pytest.mark.parametrize("target", ["own", "other"])
@pytest.mark.parametrize("caller", SHEET.posts)
def test_lists_show_what_may_be_read_and_nothing_else(house: House, requests: GoodRequests, caller: str, target: str) -> None:
    readable = {
        operation: status == 200
        for operation in ("readCustomer", "readTask")
        for t, c, status in SHEET.cells(operation)
        if (t, c) == (target, caller)
    }
    path, body = requests["searchCustomers"]("customer", target)
    found = house.call("customer", caller, "POST", path, json=body).json().get("data", [])
    assert [customer["id"] for customer in found] == [house.ids[f"customer:{target}"]] * readable["readCustomer"]
    listed = house.call("engagement", caller, "GET", "/v1/worklist").json().get("data", [])
    assert (house.ids[f"task:{target}"] in [task["id"] for task in listed]) == readable["readTask"]


def test_missing_and_out_of_scope_answer_alike(house: House, requests: GoodRequests) -> None:
    """Nothing but the request id tells them apart."""
    of_service = {
        "customer": ["readCustomer", "listAccounts", "listAssignments"],
        "engagement": ["readInteraction", "listInteractions", "readPlan", "readTask"],
        "scoring": ["readScore", "listSignals"],
    }
    for service, named in of_service.items():
        for operation in named:
            answers = [
                house.call(service, "rm_a", "GET", requests[operation](service, t)[0]).json() for t in ("other", "missing")
            ]
            assert answers[0] | {"request_id": None} == answers[1] | {"request_id": None}, operation
