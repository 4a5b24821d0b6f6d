"""Lists: every row once, whatever the page size; cursors that cannot be read, forged or used elsewhere."""

import base64

import pytest

pytestmark = pytest.mark.anyio


@pytest.fixture
async def listed(service):
    async with service.database.transaction() as uow:
        await uow.driver.execute("INSERT INTO note (name) SELECT 'secret-' || i % 2 FROM generate_series(1, 7) AS i")
        await uow.commit()
    return service.client


async def test_pages_hold_every_row_once_and_the_last_has_no_cursor(listed):
    ids, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = (await listed.get("/v1/notes", params={"limit": 3} | ({"cursor": cursor} if cursor else {}))).json()
        ids += [row["id"] for row in page["data"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert (ids, pages) == ([1, 2, 3, 4, 5, 6, 7], 3)


@pytest.mark.parametrize("limit", ["0", "-1", "101", "1000000000", "99999999999999999999", "x", "1.5", ""])
async def test_a_limit_out_of_range_is_422_and_points_to_it(listed, limit):
    answer = await listed.get("/v1/notes", params={"limit": limit})
    assert (answer.status_code, answer.json()["errors"][0]["in"]) == (422, "query")
    assert answer.json()["errors"][0]["pointer"] == "/limit"


async def test_a_cursor_is_worth_nothing_to_another_caller_or_query_or_when_changed(listed):
    cursor = (await listed.get("/v1/notes", params={"limit": 3})).json()["next_cursor"]
    sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    changed = base64.urlsafe_b64encode(sealed[:-1] + bytes([sealed[-1] ^ 1])).decode()
    attempts = [
        ({"cursor": changed}, {}),
        ({"cursor": "AAAA"}, {}),
        ({"cursor": "no base64 %%%"}, {}),
        ({"cursor": "é"}, {}),
        ({"cursor": ""}, {}),
        ({"cursor": cursor, "name": "secret-1"}, {}),
        ({"cursor": cursor}, {"Authorization": "Bearer rm-b"}),
    ]
    for params, headers in attempts:
        answer = await listed.get("/v1/notes", params=params, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor"), params
    assert (await listed.get("/v1/notes", params={"cursor": cursor, "limit": 1})).status_code == 200


async def test_a_nul_in_the_query_or_path_is_422(listed):
    assert (await listed.get("/v1/notes?name=%00")).status_code == 422
    assert (await listed.get("/v1/notes/%00")).status_code == 422


@pytest.mark.parametrize("query", ["limit=1&limit=2", "name=a&limit=1&name=a", "name=&name=", "name=a&n%61me=b"])
async def test_a_parameter_given_twice_is_422(listed, query):
    """Of the two, a proxy and a service might each take another."""
    assert (await listed.get(f"/v1/notes?{query}")).status_code == 422


async def test_parameters_of_any_script_and_of_no_encoding_are_told_apart(listed):
    for query in ("name=%E7%8E%8B&limit=1", "name=%ff&limit=1"):
        assert (await listed.get(f"/v1/notes?{query}")).status_code == 200
    told = (await listed.get("/v1/notes?%C3%A9=1&%C3%A8=1")).json()["errors"]
    assert [(error["code"], error["pointer"]) for error in told] == [("unknown_parameter", "")] * 2


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("limits=1", ["/limits"]),
        ("Limit=1", ["/Limit"]),
        ("name=a&nam=b&n=c", ["/nam", "/n"]),
        ("110101199003077758=", [""]),
        ("name[]=a", [""]),
        ("unknown", ["/unknown"]),
        ("=a", [""]),
    ],
)
async def test_a_parameter_that_is_not_known_is_422_with_its_name_and_those_that_are(listed, query, pointers):
    """A name that looks like none of ours is not repeated: it may be an identity number."""
    answer = await listed.get(f"/v1/notes?{query}")
    told = answer.json()["errors"]
    assert (answer.status_code, [error["pointer"] for error in told]) == (422, pointers)
    assert {(error["in"], error["code"]) for error in told} == {("query", "unknown_parameter")}
    assert set(told[0]["detail"].partition("Known are: ")[2].rstrip(".").split(", ")) == {"name", "limit", "cursor"}
    assert "7758" not in answer.text


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/hot-notes/1"), ("POST", "/v1/hot-notes"), ("POST", "/v1/notes"), ("GET", "/v1/notes-open")]
)
async def test_every_kind_of_route_refuses_a_parameter_that_it_does_not_know(listed, method, path):
    headers = {"Idempotency-Key": "k"}
    answer = await listed.request(method, f"{path}?sort=name", json={"name": "a", "amount": 1}, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/sort")
    assert answer.json()["errors"][0]["detail"] == "This operation takes no query parameters."
    without = await listed.request(method, f"{path}?sort=name", headers={"Authorization": "Bearer bad"})
    assert without.status_code == (422 if path == "/v1/notes-open" else 401)


async def test_a_quoted_filter_is_taken_literally(listed):
    answer = await listed.get("/v1/notes", params={"name": "' OR '1'='1"})
    assert answer.json() == {"data": [], "next_cursor": None}
