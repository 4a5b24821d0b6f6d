"""Searching for people over HTTP."""

import pytest
from guanxi_testing.house import House


@pytest.mark.parametrize("nothing", [" ", "　", "·", "（）", "-"])
def test_d13_what_no_name_is_made_of_is_refused_and_lists_nobody(house: House, nothing: str) -> None:
    answer = house.call("customer", "rm_a", "POST", "/v1/customers:search", json={"name": nothing})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/name"


def test_d13_a_name_is_found_as_a_teller_types_it(house: House) -> None:
    name = "阿卜杜热合曼·艾则孜（喀什）贸易有限公司"
    customer = house.register("rm_a", "north", name=name)
    for query in (name, "阿卜杜热合曼•艾则孜(喀什)", "abdrhm", "KASHI maoyi"):
        answer = house.call("customer", "rm_a", "POST", "/v1/customers:search", json={"name": query})
        assert customer in [row["id"] for row in answer.json()["data"]], query
