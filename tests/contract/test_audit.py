"""7.9: every operation of the three documents leaves its entry in the audit log, under the operation's own name and request."""

import pytest
from guanxi_common.http.openapi import operations
from guanxi_testing.good_requests.targets import GoodRequests
from guanxi_testing.house import House

from tests.contract.sheet import SHEET

WITHOUT_AN_ENTRY = {
    "listOutlets": "the directory names colleagues, not customers",
    "readOutlet": "the directory names colleagues, not customers",
    "listStaff": "the directory names colleagues, not customers",
    "readStaff": "the directory names colleagues, not customers",
    "readCaller": "what the token says of its bearer",
    "listRoles": "rules, no persons",
    "listClients": "client systems, no persons",
    "readClient": "client systems, no persons",
    "listProposals": "the directory names colleagues, not customers",
    "readProposal": "the directory names colleagues, not customers",
    "listProducts": "the catalogue",
    "listStandards": "the bank's procedures",
    "readStandard": "the bank's procedures",
    "listStandardVersions": "the bank's procedures",
    "readStandardVersion": "the bank's procedures",
    "listStandardProposals": "the bank's procedures",
    "readStandardProposal": "the bank's procedures",
    "readProduct": "the catalogue",
    "listDeadLetters": "ids, types and reasons; a record's content is another operation, which has its entry",
    "listParkedEvents": "ids, types and versions",
    "listBlockedKeys": "ids and the broker's reasons",
    "listSetAsideItems": "ids and reasons; showing one is another operation, which has its entry",
    "listPausedPartitions": "places in topics, limits and counts",
    "readUplift": "sums over the whole book",
    "readRfmMigrations": "counts by cell",
    "readConcentration": "sums and shares by group",
    "drawConcentration": "sums and shares by group",
    "listOperations": "ids, states and figures; the rows that failed are another operation, which has its entry",
    "readOperation": "how far an operation is",
    "readScoreRun": "how far a run is",
    "listLifetimeModels": "parameters of a fit",
    "readModelTraining": "how far a training is",
    "listModels": "versions and their states",
    "readModel": "parameters and figures over many",
    "readModelCard": "parameters and figures over many",
    "readModelDrift": "distributions over many",
}
"""Reads that show nothing of a customer. A write is never among them."""

LISTS_OF_CUSTOMERS = {"listActions", "listCustomersWithoutAction", "listMatchCases", "listAccessGrants"}
"""One entry for each customer on the page: none where the page is empty, as it is here."""


@pytest.mark.parametrize("operation", SHEET.rows)
def test_7_9_an_operation_leaves_its_entry(house: House, requests: GoodRequests, operation: str) -> None:
    missing = []
    for service, app in house.apps.items():
        for _, method, described in operations(app.openapi()):
            if described["operationId"] != operation:
                continue
            assert method == "get" or operation not in WITHOUT_AN_ENTRY, "a write always leaves an entry"
            target, caller = SHEET.permitted(operation)
            path, body = requests[operation](service, target)
            answer = house.call(service, caller, method.upper(), path, json=body)
            assert answer.is_success, answer.text
            query = "SELECT actor, action FROM audit_entry WHERE request_id = $1"
            entries = house.fetch(service, query, answer.headers["x-request-id"])
            wanted = operation not in WITHOUT_AN_ENTRY and not (operation in LISTS_OF_CUSTOMERS and not answer.json()["data"])
            if wanted and not any(
                entry["action"] == operation and entry["actor"].endswith(house.ids.get(caller, "")) for entry in entries
            ):
                missing.append(f"{service} {operation} by {caller}: {answer.status_code}, entries {[dict(e) for e in entries]}")
    assert missing == []


def test_7_9_what_needs_no_entry_is_still_there() -> None:
    assert WITHOUT_AN_ENTRY.keys() <= SHEET.rows.keys()


@pytest.mark.parametrize(("number", "outcome"), [("+8613912345678", "found"), ("+8613900000001", "fruitless")])
def test_7_9_a_search_is_logged_whatever_it_finds(house: House, number: str, outcome: str) -> None:
    answer = house.call("customer", "rm_a", "POST", "/v1/customers:search", json={"phone": number})
    assert bool(answer.json()["data"]) is (outcome == "found")
    query = "SELECT subject_id, fields FROM audit_entry WHERE request_id = $1 AND subject_type = 'search'"
    [entry] = house.fetch("customer", query, answer.headers["x-request-id"])
    assert (entry["subject_id"], entry["fields"]) == (outcome, ["phone"])


def test_7_9_an_intake_is_logged_once_a_batch(house: House, requests: GoodRequests) -> None:
    path, body = requests["batchCreateTransactions"]("customer", "own")
    answer = house.call("customer", "service", "POST", path, json=body)
    query = "SELECT subject_type, subject_id, fields FROM audit_entry WHERE request_id = $1"
    entries = house.fetch("customer", query, answer.headers["x-request-id"])
    assert [(entry["subject_type"], entry["subject_id"], entry["fields"]) for entry in entries] == [
        ("intake", "core", ["transactions"])
    ]
