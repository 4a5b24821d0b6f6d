"""8.B.7: no operation of the three services passes over a query parameter that it does not know."""

from collections.abc import Iterator

from guanxi_common.http.openapi import operations
from guanxi_common.http.queries import CODE
from guanxi_testing.good_requests.targets import GoodRequests
from guanxi_testing.house import House

from tests.contract.sheet import SHEET


def every_operation(house: House, requests: GoodRequests) -> Iterator[tuple[str, str, str, str, list[str]]]:
    """Service, caller, method, path without a query, and the documented query parameters of each operation."""
    for service, app in house.apps.items():
        for _, method, described in operations(app.openapi()):
            operation = described["operationId"]
            target, caller = SHEET.permitted(operation)
            path, _ = requests[operation](service, target)
            known = [parameter["name"] for parameter in described["parameters"] if parameter.get("in") == "query"]
            yield service, caller, method.upper(), path.partition("?")[0], known


def test_an_unknown_parameter_is_refused_with_its_name_and_the_known_are_not(house: House, requests: GoodRequests) -> None:
    wrong = []
    for service, caller, method, path, known in every_operation(house, requests):
        answer = house.call(service, caller, method, path, params={**dict.fromkeys(known, ""), "outlet_od": "1"})
        refused = [error["pointer"] for error in answer.json()["errors"] if error["code"] == CODE]
        if answer.status_code != 422 or refused != ["/outlet_od"]:
            wrong.append(f"{service} {method} {path}: {answer.status_code} {answer.text[:200]}")
    assert wrong == []
