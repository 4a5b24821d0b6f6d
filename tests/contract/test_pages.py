"""8.C, keys of cursors: every list shows the same rows in the same order, each once, whatever the size of its pages.

A cursor over a key that is not unique loses the rows that share it with the last row of a page. So several lists are filled with rows
of the same time, day or name, and those that many things in a contract test fill are walked as they are.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from guanxi_common.http.openapi import operations
from guanxi_testing.good_requests.targets import GoodRequests
from guanxi_testing.house import House

from tests.contract.sheet import SHEET

TWINS = 3
FILLED_BY = {
    "listInteractions": "recordInteraction",
    "listSatisfaction": "recordSatisfaction",
    "listVulnerabilities": "openVulnerability",
    "listRiskProfiles": "assessRisk",
    "listOutlets": "registerOutlet",
    "searchCustomers": "registerCustomer",
}
"""What makes rows that stand at one place of the list's order, but for their ids: of one customer at one time, or of one name."""
SEARCHED = {"searchCustomers": {"name": "王小明"}}
"""What is searched instead of the good request's own, which finds one."""
MOST_PAGES = 300


def lists(house: House) -> Iterator[tuple[str, str, str, bool]]:
    """Service, method, operation, and whether the page is asked for in the body, of each operation that takes a limit and a cursor."""
    for service, app in house.apps.items():
        document = app.openapi()
        for _, method, described in operations(document):
            content = described.get("requestBody", {}).get("content", {}).get("application/json", {})
            name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
            in_body = document["components"]["schemas"].get(name, {}).get("properties", {})
            in_query = {parameter.get("name") for parameter in described["parameters"]}
            for asked in (in_query, in_body):
                if {"limit", "cursor"} <= set(asked):
                    yield service, method.upper(), described["operationId"], asked is in_body


@pytest.fixture(scope="module")
def filled(house: House, requests: GoodRequests) -> None:
    for operation in FILLED_BY.values():
        service = next(
            s for s, app in house.apps.items() for _, _, d in operations(app.openapi()) if d["operationId"] == operation
        )
        target, caller = SHEET.permitted(operation)
        for _ in range(TWINS):
            path, body = requests[operation](service, target)
            assert house.call(service, caller, "POST", path, json=body).is_success, operation


class Walk:
    """A list as its first permitted caller reads it."""

    def __init__(self, house: House, requests: GoodRequests, service: str, method: str, operation: str, *, in_body: bool) -> None:
        target, self._caller = SHEET.permitted(operation)
        self._path, good = requests[operation](service, target)
        self._body = SEARCHED.get(operation, good)
        self._house, self._service, self._method, self._in_body = house, service, method, in_body

    def rows(self, limit: int) -> list[Any]:
        found: list[Any] = []
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = {"limit": limit, **({"cursor": cursor} if cursor else {})}
            path, query = self._path, {} if self._in_body else page
            joined = path + ("&" if "?" in path else "?") + "&".join(f"{name}={value}" for name, value in query.items())
            body = {**self._body, **page} if self._in_body else None
            answer = self._house.call(self._service, self._caller, self._method, joined.rstrip("?&"), json=body)
            assert answer.status_code == 200, answer.text
            found += answer.json()["data"]
            assert len(answer.json()["data"]) <= limit
            cursor = answer.json()["next_cursor"]
            if cursor is None:
                return found
        raise AssertionError("the pages do not end")


@pytest.mark.usefixtures("filled")
def test_a_list_shows_the_same_rows_whatever_the_size_of_its_pages(house: House, requests: GoodRequests) -> None:
    wrong, walked = [], set()
    for service, method, operation, in_body in lists(house):
        walk = Walk(house, requests, service, method, operation, in_body=in_body)
        at_once, one_by_one = walk.rows(100), walk.rows(1)
        walked.add(operation)
        if one_by_one != at_once:
            wrong.append(f"{service} {operation}: {len(one_by_one)} rows one by one, {len(at_once)} at once")
        if operation in FILLED_BY and len(at_once) < TWINS:
            wrong.append(f"{service} {operation}: {len(at_once)} rows, though {FILLED_BY[operation]} made {TWINS}")
    assert wrong == [], "a list is ordered, and its cursor made, by a unique key"
    assert FILLED_BY.keys() <= walked
