"""D12: whatever is wrong with one item, a batch is answered item by item; every batch operation of the house is here."""

from typing import Any
from uuid import uuid4

import pytest
from guanxi_common.http.openapi import operations
from guanxi_testing.good_requests.targets import GoodRequests
from guanxi_testing.house import House

from tests.contract.sheet import SHEET

LONG = "流水" * 127
WRONG: dict[str, list[dict[str, Any]]] = {
    "batchCreateTransactions": [
        {"external_id": "x" * 256},
        {"external_id": "line\nbreak"},
        {"external_id": "nul\0"},
        {"external_id": None},
        {"booked_on": "2026-02-30"},
        {"money": {"amount": 2**63, "currency": "CNY"}},
        {"money": {"amount": 1.5, "currency": "CNY"}},
        {"money": "5 CNY"},
        {"role": "x"},
    ],
    "batchCreateAccounts": [
        {"account_number": "x" * 256},
        {"account_number": " "},
        {"kind": "lost"},
        {"closed_on": "yesterday"},
        {"balance": {"amount": 1}},
        {"role": "x"},
    ],
}


def test_d12_every_batch_operation_is_in_the_table(house: House) -> None:
    batches = {
        described["operationId"]
        for app in house.apps.values()
        for path, _, described in operations(app.openapi())
        if path.endswith(":batchCreate")
    }
    assert batches == set(WRONG)


@pytest.mark.parametrize("operation", WRONG)
def test_d12_one_bad_item_never_refuses_the_batch(house: House, requests: GoodRequests, operation: str) -> None:
    _, caller = SHEET.permitted(operation)
    path, good = requests[operation]("customer", "any")
    [item] = good["items"]
    items = [item, *({**item, **wrong} for wrong in WRONG[operation]), item]
    answer = house.call("customer", caller, "POST", path, json={"items": items})
    assert answer.status_code == 200, answer.text
    results = answer.json()["items"]
    assert [one["index"] for one in results] == list(range(len(items)))
    assert {one["error"]["code"] for one in results[1:-1]} == {"invalid_item"}
    assert {results[0]["status"], results[-1]["status"]} <= {"created", "duplicate"}
    assert "x" * 50 not in answer.text  # what was sent is never repeated


def test_d12_a_long_id_in_any_script_travels_to_the_event(house: House, requests: GoodRequests) -> None:
    _, caller = SHEET.permitted("batchCreateTransactions")
    path, good = requests["batchCreateTransactions"]("customer", "any")
    name = f"{uuid4()}{LONG}"[:255]
    item = {**good["items"][0], "external_id": name}
    undone = {key: item[key] for key in ("source", "account_number", "booked_on")} | {
        "external_id": f"{name[:-1]}R",
        "reverses": name,
    }
    answer = house.call("customer", caller, "POST", path, json={"items": [item, undone]})
    assert [one["status"] for one in answer.json()["items"]] == ["created", "created"], answer.text
