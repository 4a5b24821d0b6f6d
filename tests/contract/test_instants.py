"""D12: an instant whose conversion to UTC leaves the calendar, or lies outside of 1900 to 2200, is refused wherever one may be given."""

from collections.abc import Iterator
from typing import Any

import pytest
from guanxi_common.http.openapi import operations
from guanxi_testing.good_requests.targets import GoodRequests
from guanxi_testing.house import House

from tests.contract.sheet import SHEET

OUTSIDE = ["9999-12-31T23:59:59-08:00", "0001-01-01T00:00:00+08:00", "2201-01-01T00:00:00Z", "1899-12-31T23:59:59Z"]


def instants(house: House) -> Iterator[tuple[str, str, str, str, str]]:
    """(service, method, operation, where, name) of every instant that a caller may give."""
    for service, app in house.apps.items():
        document = app.openapi()
        for _, method, described in operations(document):
            for parameter in (_resolved(document, one) for one in described.get("parameters", [])):
                if _is_instant(parameter["schema"]):
                    yield service, method.upper(), described["operationId"], "query", parameter["name"]
            for content in described.get("requestBody", {}).get("content", {}).values():
                for name, schema in _resolved(document, content["schema"]).get("properties", {}).items():
                    if _is_instant(schema):
                        yield service, method.upper(), described["operationId"], "body", name


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        *_, kind, name = schema["$ref"].split("/")
        schema = document["components"][kind][name]
    return schema


def _is_instant(schema: dict[str, Any]) -> bool:
    return any(one.get("format") == "date-time" for one in (schema, *schema.get("anyOf", [])))


@pytest.mark.parametrize("outside", OUTSIDE)
def test_d12_every_operation_refuses_it(house: House, requests: GoodRequests, outside: str) -> None:
    places = list(instants(house))
    assert {"recordInteraction", "assignCustomer", "readScore", "reviewPlan"} <= {operation for _, _, operation, _, _ in places}
    wrong = []
    for service, method, operation, where, name in places:
        target, caller = SHEET.permitted(operation)
        path, good = requests[operation](service, target)
        if where == "query":
            answer = house.call(service, caller, method, path.partition("?")[0], params={name: outside})
        else:
            answer = house.call(service, caller, method, path, json={**good, name: outside})
        if answer.status_code != 422 or name not in answer.text:
            wrong.append(f"{service} {operation} {name}: {answer.status_code} {answer.text[:200]}")
    assert wrong == []


@pytest.mark.parametrize("outside", OUTSIDE)
def test_d12_a_posting_of_such_a_time_is_rejected_alone(house: House, requests: GoodRequests, outside: str) -> None:
    _, caller = SHEET.permitted("batchCreateTransactions")
    path, good = requests["batchCreateTransactions"]("customer", "any")
    [item, *_] = good["items"]
    bad = {**item, "external_id": f"{item['external_id']}-bad", "occurred_at": outside}
    answer = house.call("customer", caller, "POST", path, json={"items": [bad, item]})
    assert answer.status_code == 200
    first, second = answer.json()["items"]
    assert (first["status"], first["error"]["code"]) == ("rejected", "implausible_time")
    assert second["status"] != "rejected"
