"""R8: every operation of the three services × who calls × whose thing is touched, as `authorisation.yaml` says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from guanxi_common.http.openapi import operations
from guanxi_common.testing.good_requests.targets import GoodRequests
from guanxi_common.testing.house import House

SHEET = yaml.safe_load(Path(__file__).with_name("authorisation.yaml").read_text(encoding="utf-8"))
CALLERS: list[str] = SHEET["callers"].split()
EXPECTED: dict[str, dict[str, str]] = SHEET["operations"]


def cells(operation: str) -> Iterator[tuple[str, str, int]]:
    """(target, caller, status) of an operation's rows."""
    for target, row in EXPECTED[operation].items():
        statuses = [int(status) for status in row.split()]
        assert len(statuses) == len(CALLERS), f"{operation} {target} has {len(statuses)} cells"
        yield from ((target, caller, status) for caller, status in zip(CALLERS, statuses, strict=True))


def test_every_operation_has_its_rows_and_every_row_an_operation(house: House) -> None:
    found = {operation["operationId"]: path for app in house.apps.values() for path, _, operation in operations(app.openapi())}
    assert found.keys() == EXPECTED.keys()
    for operation, path in found.items():
        if "{" in path:
            assert "missing" in EXPECTED[operation], f"{operation} names a thing, so one that is missing needs a row"
        if "{customer_id}" in path:
            assert EXPECTED[operation].keys() == {"own", "other", "missing"}


@pytest.mark.parametrize("operation", EXPECTED)
def test_who_may(house: House, requests: GoodRequests, operation: str) -> None:
    wrong = []
    for service, app in house.apps.items():
        for _, method, described in operations(app.openapi()):
            if described["operationId"] != operation:
                continue
            for target, caller, status in cells(operation):
                path, body = requests[operation](service, target)
                answer = house.call(service, None if caller == "none" else caller, method.upper(), path, json=body)
                if answer.status_code != status:
                    wrong.append(f"{service} {caller} on {target}: {answer.status_code} instead of {status}: {answer.text[:200]}")
    assert wrong == []


@pytest.mark.parametrize("target", ["own", "other"])
@pytest.mark.parametrize("caller", [caller for caller in CALLERS if caller != "none"])
def test_lists_show_what_may_be_read_and_nothing_else(house: House, requests: GoodRequests, caller: str, target: str) -> None:
    readable = {
        operation: status == 200
        for operation in ("readCustomer", "readTask")
        for t, c, status in cells(operation)
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
