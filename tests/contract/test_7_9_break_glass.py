"""7.9: break-glass through the API: what it opens, what it does not, who sees it, who reviews it, what the audit log keeps."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from guanxi_testing.eventually import eventually
from guanxi_testing.house import House

BODY = {"reason": "Her RM is away.", "hours": 1}
VULNERABILITY = {
    "kind": "health",
    "evidence": "customer",
    "reason": "She is in hospital.",
    "review_on": f"{date.today() + timedelta(days=30)}",  # noqa: DTZ011  # any later day
}
REVEAL = {"reason": "She asks for a call."}


@pytest.fixture(scope="module")
def opened(house: House) -> dict[str, Any]:
    """rm_a's customer, opened to rm_b of another outlet."""
    customer = house.register("rm_a", "north", phones=["+8613912345678"], address="北京市朝阳区建国路 1 号")
    path = f"/v1/customers/{customer}"
    house.create("customer", "rm_a", f"{path}/vulnerabilities", VULNERABILITY)
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


def test_7_9_neither_contact_points_nor_the_reason_of_a_vulnerability_are_shown(house: House, opened: dict[str, Any]) -> None:
    async def seen() -> bool:
        return house.call("customer", "rm_b", "GET", opened["path"]).status_code == 200

    asyncio.run(eventually(seen, timeout=30))
    own = house.call("customer", "rm_a", "GET", opened["path"]).json()
    assert own["contact"]["phones"] == ["+8613912345678"]
    assert house.call("customer", "rm_b", "GET", opened["path"]).json() == {**own, "contact": None}
    [reason] = house.call("customer", "rm_a", "GET", f"{opened['path']}/vulnerabilities").json()["data"]
    [without] = house.call("customer", "rm_b", "GET", f"{opened['path']}/vulnerabilities").json()["data"]
    assert reason["reason"] == VULNERABILITY["reason"]
    assert without == {**reason, "reason": None}
    query = "SELECT fields FROM audit_entry WHERE action = 'readCustomer' AND subject_id = $1 AND actor = $2"
    rows = house.fetch("customer", query, opened["customer"], f"staff:{house.ids['rm_b']}")
    assert rows
    assert not any("phones" in row["fields"] for row in rows)


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
