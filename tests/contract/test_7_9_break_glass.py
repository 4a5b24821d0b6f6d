"""7.9: break-glass through the API: what it opens, what it does not, who sees it, who reviews it, what the audit log keeps."""

import asyncio
from typing import Any

import pytest
from guanxi_testing.eventually import eventually
from guanxi_testing.house import House

BODY = {"reason": "Her RM is away.", "hours": 1}
REVEAL = {"reason": "She asks for a call."}


@pytest.fixture(scope="module")
def opened(house: House) -> dict[str, Any]:
    """rm_a's customer, opened to rm_b of another outlet."""
    customer = house.register("rm_a", "north")
    path = f"/v1/customers/{customer}"
    assert house.call("customer", "rm_b", "GET", path).status_code == 404
    answer = house.call("customer", "rm_b", "POST", f"{path}:breakGlass", json=BODY)
    assert answer.status_code == 201, answer.text
    return {"path": path, "customer": customer, "grant": answer.json()["id"]}


def test_7_9_it_opens_reading_and_nothing_else(house: House, opened: dict[str, Any]) -> None:
    async def seen() -> bool:
        return house.call("customer", "rm_b", "GET", opened["path"]).status_code == 200

    asyncio.run(eventually(seen, timeout=30))
    assert house.call("customer", "rm_b", "GET", f"{opened['path']}/consents").status_code == 200
    assert house.call("customer", "rm_b", "PATCH", opened["path"], json={"sex": "female"}).status_code == 404
    assert house.call("customer", "rm_b", "POST", f"{opened['path']}:reveal", json=REVEAL).status_code == 404
    assert house.call("customer", "manager_2", "GET", opened["path"]).status_code == 404
    assert house.call("customer", "rm_b", "GET", f"/v1/customers/{house.ids['customer:own']}").status_code == 404


def test_7_9_the_customers_rm_and_lead_see_it_with_its_reason_and_nobody_else_of_their_kind(
    house: House, opened: dict[str, Any]
) -> None:
    for caller, shown in (("rm_a", True), ("manager_1", True), ("compliance", True), ("colleague", False), ("manager_2", False)):
        rows = house.call("customer", caller, "GET", "/v1/access-grants", params={"pending": "true"}).json()["data"]
        found = [row for row in rows if row["id"] == opened["grant"]]
        assert [(row["reason"], row["staff_id"]) for row in found] == [(BODY["reason"], house.ids["rm_b"])] * shown, caller


def test_7_9_it_is_in_the_audit_log_with_its_sealed_reason(house: House, opened: dict[str, Any]) -> None:
    [entry] = house.fetch(
        "customer",
        "SELECT actor, fields, reason FROM audit_entry WHERE action = 'breakGlass' AND subject_id = $1",
        opened["customer"],
    )
    assert (entry["actor"], entry["fields"]) == (f"staff:{house.ids['rm_b']}", ["access"])
    assert BODY["reason"].encode() not in entry["reason"]


def test_7_9_the_customers_lead_reviews_it_once(house: House, opened: dict[str, Any]) -> None:
    path, body = f"/v1/access-grants/{opened['grant']}:review", {"verdict": "justified"}
    assert house.call("customer", "rm_b", "POST", path, json=body).status_code == 403
    assert house.call("customer", "manager_2", "POST", path, json=body).status_code == 404
    reviewed = house.call("customer", "manager_1", "POST", path, json=body)
    assert (reviewed.status_code, reviewed.json()["verdict"]) == (200, "justified")
    again = house.call("customer", "compliance", "POST", path, json=body)
    assert (again.status_code, again.json()["code"]) == (409, "already_reviewed")
