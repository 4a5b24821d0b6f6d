"""D15: one identity document is in one file; who may not see that file learns no more than a case number."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from guanxi_testing.house import House, registration

SHANGHAI = ZoneInfo("Asia/Shanghai")


def passport() -> dict[str, str]:
    return {"kind": "passport", "number": f"E{uuid4().int % 10**8:08d}"}


def file(house: House, caller: str, outlet: str, document: Any, **headers: str) -> httpx.Response:
    body = registration(house.ids[outlet], identity_document=document)
    return house.call("customer", caller, "POST", "/v1/customers", json=body, headers=headers)


def cases_of(house: House, customer_id: str, **query: Any) -> list[dict[str, Any]]:
    answer = house.call("customer", "head_office", "GET", "/v1/match-cases", params={"limit": 100, **query})
    assert answer.status_code == 200, answer.text
    return [case for case in answer.json()["data"] if case["customer_id"] == customer_id]


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ({"kind": "passport", "number": "E51234567"}, {"kind": "passport", "number": "e5123-4567"}),
        ({"kind": "resident_id", "number": "110105194912310046"}, {"kind": "resident_id", "number": "110105491231004"}),
        ({"kind": "resident_id", "number": "11010519491231109X"}, {"kind": "resident_id", "number": "11010519491231109x"}),
    ],
)
def test_d15_who_may_not_see_the_file_learns_a_case_number_only(house: House, stored: Any, typed: Any) -> None:
    known = file(house, "rm_a", "north", stored).json()["id"]
    refused = file(house, "rm_b", "south", typed)
    assert (refused.status_code, refused.json()["code"]) == (409, "identity_known"), refused.text
    [case] = cases_of(house, known)
    assert case["case_number"] in refused.json()["detail"]
    assert known not in refused.text
    assert "location" not in refused.headers
    again = file(house, "rm_b", "south", typed)
    assert case["case_number"] in again.json()["detail"]
    assert len(cases_of(house, known)) == 1


def test_d15_who_may_see_the_file_and_a_client_are_shown_it(house: House) -> None:
    document = passport()
    known = file(house, "rm_a", "north", document).json()["id"]
    for caller in ("rm_a", "teller", "manager_1", "head_office", "service"):
        refused = file(house, caller, "north", document)
        assert (refused.status_code, refused.json()["code"]) == (409, "already_registered"), caller
        assert refused.headers["location"] == f"/v1/customers/{known}"
    colleague = file(house, "colleague", "north", document)
    assert colleague.json()["code"] == "identity_known", "of the same outlet, but of another RM's book"
    assert len(cases_of(house, known)) == 1


def test_d15_another_kind_or_number_is_another_document(house: House) -> None:
    number = passport()["number"]
    assert file(house, "rm_a", "north", {"kind": "passport", "number": number}).status_code == 201
    assert file(house, "rm_b", "south", {"kind": "foreign_id", "number": number}).status_code == 201
    assert file(house, "rm_b", "south", passport()).status_code == 201


def test_d15_a_change_meets_the_other_file_too_and_one_s_own_document_is_no_match(house: House) -> None:
    document = passport()
    known = file(house, "rm_a", "north", document).json()["id"]
    own = house.register("rm_b", "south")
    patched = house.call("customer", "rm_b", "PATCH", f"/v1/customers/{own}", json={"identity_document": document})
    assert (patched.status_code, patched.json()["code"]) == (409, "identity_known")
    assert house.call("customer", "rm_b", "GET", f"/v1/customers/{own}").json()["identity_document"] is None
    assert [case["asked_by"] for case in cases_of(house, known)] == [f"staff:{house.ids['rm_b']}"]
    same = house.call("customer", "rm_a", "PATCH", f"/v1/customers/{known}", json={"identity_document": document})
    assert same.status_code == 200


def test_d15_the_refusal_is_kept_under_its_key_with_its_case(house: House) -> None:
    document = passport()
    known = file(house, "rm_a", "north", document).json()["id"]
    body, key = registration(house.ids["south"], identity_document=document), str(uuid4())
    answers = [
        house.call("customer", "rm_b", "POST", "/v1/customers", json=body, headers={"Idempotency-Key": key}) for _ in range(2)
    ]
    assert answers[0].json()["detail"] == answers[1].json()["detail"]
    [case] = cases_of(house, known)
    closing = {"outcome": "entered_wrongly", "note": "The number was typed wrongly."}
    assert house.call("customer", "head_office", "POST", f"/v1/match-cases/{case['id']}:close", json=closing).status_code == 200
    replayed = house.call("customer", "rm_b", "POST", "/v1/customers", json=body, headers={"Idempotency-Key": key})
    assert replayed.json()["detail"] == answers[0].json()["detail"]
    assert len(cases_of(house, known)) == 1


def test_d15_after_ten_matches_nothing_with_a_document_is_filed_that_day(house: House) -> None:
    document, today = passport(), datetime.now(UTC).astimezone(SHANGHAI).date()
    file(house, "rm_a", "north", document)
    caller = f"staff:{house.ids['rm_b']}"
    count = "INSERT INTO match_count VALUES ($1, $2, $3) ON CONFLICT (asked_by, day) DO UPDATE SET matches = $3"
    house.fetch("customer", count, caller, today, 9)
    try:
        assert file(house, "rm_b", "south", document).status_code == 409
        for any_document in (document, passport()):
            refused = file(house, "rm_b", "south", any_document)
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_matches")
        assert house.register("rm_b", "south")
        assert file(house, "manager_2", "south", passport()).status_code == 201
    finally:
        house.fetch("customer", "DELETE FROM match_count WHERE asked_by = $1", caller)
    assert file(house, "rm_b", "south", passport()).status_code == 201


def test_d15_of_many_at_once_one_is_filed(house: House) -> None:
    document = passport()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: file(house, "rm_a", "north", document), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"already_registered"}


def test_d15_the_data_desk_closes_a_case_once_and_a_later_attempt_opens_another(house: House) -> None:
    document = passport()
    known = file(house, "rm_a", "north", document).json()["id"]
    file(house, "rm_b", "south", document)
    [case] = cases_of(house, known, is_open=True)
    decision = {"outcome": "same_person", "note": "Both outlets saw the same card."}
    closed = house.call("customer", "head_office", "POST", f"/v1/match-cases/{case['id']}:close", json=decision)
    assert (closed.status_code, closed.json()["outcome"]) == (200, "same_person")
    again = house.call("customer", "head_office", "POST", f"/v1/match-cases/{case['id']}:close", json=decision)
    assert (again.status_code, again.json()["code"]) == (409, "case_closed")
    assert cases_of(house, known, is_open=True) == []
    file(house, "rm_b", "south", document)
    assert [later["case_number"] != case["case_number"] for later in cases_of(house, known, is_open=True)] == [True]
    assert len(cases_of(house, known, is_open=False)) == 1


def test_d15_an_erased_file_matches_nobody(house: House) -> None:
    document = passport()
    known = file(house, "rm_a", "north", document).json()["id"]
    erased = house.call("customer", "compliance", "POST", f"/v1/customers/{known}:erase", json={"basis": "customer_request"})
    assert erased.is_success, erased.text
    assert file(house, "rm_b", "south", document).status_code == 201


def test_d15_a_match_leaves_an_entry_that_names_the_file(house: House) -> None:
    document = passport()
    known = file(house, "rm_a", "north", document).json()["id"]
    file(house, "rm_b", "south", document)
    rows = house.fetch(
        "customer", "SELECT actor, action FROM audit_entry WHERE subject_id = $1 AND 'match_case' = ANY(fields)", known
    )
    assert [(row["actor"], row["action"]) for row in rows] == [(f"staff:{house.ids['rm_b']}", "registerCustomer")]


def test_d12_a_customer_number_is_any_script_up_to_255_characters(house: House) -> None:
    for number in ("客户 00012/甲", "x" * 255):
        body = registration(house.ids["north"])
        body["reference"]["customer_number"] = number + uuid4().hex if len(number) < 200 else uuid4().hex + number[32:]
        assert house.call("customer", "service", "POST", "/v1/customers", json=body).status_code == 201
    for number in ("x" * 256, " x", "x\u200b", "", "a\nb"):
        body = registration(house.ids["north"])
        body["reference"]["customer_number"] = number
        assert house.call("customer", "service", "POST", "/v1/customers", json=body).status_code == 422
