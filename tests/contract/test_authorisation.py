"""R8: every operation of the three services × who calls × whose thing is touched, as `authorisation.yaml` says."""

import pytest
from guanxi_common.http.openapi import operations
from guanxi_testing.good_requests.targets import GoodRequests
from guanxi_testing.house import House

from tests.contract.sheet import SHEET


def test_every_operation_has_its_rows_and_every_row_an_operation(house: House) -> None:
    found = {operation["operationId"]: path for app in house.apps.values() for path, _, operation in operations(app.openapi())}
    assert found.keys() == SHEET.rows.keys()
    for operation, path in found.items():
        if "{" in path:
            assert "missing" in SHEET.rows[operation], f"{operation} names a thing, so one that is missing needs a row"
        if "{customer_id}" in path:
            assert SHEET.rows[operation].keys() == {"own", "other", "missing"}


@pytest.mark.parametrize("operation", SHEET.rows)
def test_who_may(house: House, requests: GoodRequests, operation: str) -> None:
    wrong = []
    for service, app in house.apps.items():
        for _, method, described in operations(app.openapi()):
            if described["operationId"] != operation:
                continue
            for target, caller, status in SHEET.cells(operation):
                path, body = requests[operation](service, target)
                answer = house.call(service, None if caller == "none" else caller, method.upper(), path, json=body)
                if answer.status_code != status:
                    wrong.append(f"{service} {caller} on {target}: {answer.status_code} instead of {status}: {answer.text[:200]}")
    assert wrong == []


@pytest.mark.parametrize("target", ["own", "other"])
@pytest.mark.parametrize("caller", [caller for caller in SHEET.callers if caller != "none"])
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
