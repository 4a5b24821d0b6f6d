"""D19: clients are callers of their own kind, let in by two people, each bound to its sources."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from customer_svc.directory import service as directory
from guanxi_common.messaging.outbox.rows import unpack
from guanxi_common.security.issuer import LOCAL_ISSUER

pytestmark = pytest.mark.anyio


def client(client_id: str, *sources: str) -> dict[str, Any]:
    return {"client_id": client_id, "name": client_id, "role": "core_banking", "sources": sources, "reason": "Goes live."}


def account(number: str, source: str = "core", holder: str | None = None) -> dict[str, Any]:
    return {
        "source": source,
        "account_number": number,
        "kind": "opened",
        "holder": {"source": holder or source, "customer_number": "1"},
        "product_code": "current",
        "currency": "CNY",
        "opened_on": "2020-01-01",
    }


def posting(external_id: str, source: str = "core", number: str = "A") -> dict[str, Any]:
    money = {"amount": -500, "currency": "CNY"}
    common = {"source": source, "account_number": number, "booked_on": "2026-11-20", "code": "CARD"}
    return {**common, "external_id": external_id, "money": money}


def outcomes(answer: Any) -> list[str]:
    """Status, or the code of the rejection, of each item."""
    return [item.get("error", {}).get("code", item["status"]) for item in answer.json()["items"]]


@pytest.fixture
async def outlet(office) -> str:
    body = {"code": "n", "name": "n", "kind": "traditional"}
    return str((await office.post("ana", "/v1/outlets", body)).json()["id"])


async def register(office, client: str, source: str, outlet: str, number: str = "1") -> Any:
    reference = {"source": source, "customer_number": number}
    body = {"reference": reference, "customer_type": "individual", "name": "王小明", "outlet_id": outlet}
    return await office.client(client, "POST", "/v1/customers", body)


async def test_d19_a_client_is_let_in_by_two_people(office):
    proposal = (await office.post("ana", "/v1/clients", client("core", "core"))).json()
    assert (proposal["kind"], proposal["entry"]["sources"]) == ("client", ["core"])
    assert (await office.client("core", "GET", "/v1/parked-postings")).status_code == 403
    assert (await office.decide("ana", proposal)).json()["code"] == "same_person"
    assert (await office.decide("ben", proposal)).is_success
    assert (await office.client("core", "GET", "/v1/parked-postings")).status_code == 200
    rows = await office.fetch("SELECT topic, payload FROM outbox ORDER BY sequence DESC LIMIT 1")
    record = unpack(rows[0]["topic"], rows[0]["payload"])[0]
    assert record.key.decode() == f"client:{proposal['entry_id']}"
    assert b'"sources":["core"]' in record.value


async def test_d19_a_client_gets_more_by_two_people_and_less_by_one(office):
    entry = await office.let_in("core", "core", "cards")
    path = f"/v1/clients/{entry['id']}"
    taken = await office.call("ana", "PATCH", path, {"sources": ["core"]})
    assert (taken.status_code, taken.json()["sources"]) == (200, ["core"])
    assert (await office.call("ana", "PATCH", path, {"sources": ["cards"]})).json()["code"] == "reason_required"
    widened = await office.call("ana", "PATCH", path, {"sources": ["core", "loans"], "reason": "Loans go live."})
    assert widened.status_code == 202
    shut = await office.call("ana", "PATCH", path, {"active": False})
    assert (shut.status_code, shut.json()["active"]) == (200, False)
    assert (await office.client("core", "GET", "/v1/parked-postings")).status_code == 403
    assert (await office.decide("ben", widened.json())).json()["code"] == "proposal_outdated"
    assert (await office.call("ana", "PATCH", path, {"active": True, "reason": "Secret changed."})).status_code == 202


async def test_d19_a_client_holds_a_clients_role_and_a_person_a_persons(office):
    as_head_office = {**client("core", "core"), "role": "head_office"}
    assert (await office.post("ana", "/v1/clients", as_head_office)).json()["code"] == "unknown_reference"
    person = {"subject": "x", "name": "x", "role": "core_banking"}
    assert (await office.post("ana", "/v1/staff", person)).json()["code"] == "unknown_reference"


async def test_d19_a_clients_token_never_acts_as_the_person_of_its_name_nor_the_reverse(office):
    await office.let_in("ana", "core")
    await office.let_in("core", "core")
    assert (await office.client("ana", "GET", "/v1/staff")).json()["code"] == "forbidden"
    assert (await office.client("ben", "GET", "/v1/staff")).json()["code"] == "not_in_directory"
    assert (await office.call("core", "GET", "/v1/parked-postings")).json()["code"] == "not_in_directory"
    assert (await office.call("ana", "GET", "/v1/staff")).status_code == 200


async def test_d19_a_client_registers_customers_of_its_sources_only(office, outlet):
    await office.let_in("core", "core")
    assert (await register(office, "core", "core", outlet)).status_code == 201
    refused = await register(office, "core", "cards", outlet)
    assert (refused.status_code, refused.json()["code"]) == (403, "source_not_yours")
    # A person is bound by no source.
    reference = {"source": "cards", "customer_number": "1"}
    body = {"reference": reference, "customer_type": "individual", "name": "王小明", "outlet_id": outlet}
    assert (await office.post("ana", "/v1/customers", body)).status_code == 201


async def test_d19_items_of_other_sources_are_rejected_and_hold_up_nobody(office, outlet):
    await office.let_in("core", "core")
    await office.let_in("cards", "cards")
    for source in ("core", "cards"):
        await register(office, source, source, outlet)
    accounts = [account("A"), account("B", "cards"), account("C", "core", holder="cards")]
    opened = await office.client("core", "POST", "/v1/accounts:batchCreate", {"items": accounts})
    assert outcomes(opened) == ["created", "source_not_yours", "source_not_yours"]
    closed = {"source": "core", "account_number": "A", "kind": "closed", "closed_on": "2026-11-20"}
    assert outcomes(await office.client("cards", "POST", "/v1/accounts:batchCreate", {"items": [closed]})) == ["source_not_yours"]

    mixed = [posting("T-1"), posting("T-2", "cards"), posting("T-3", number="unknown")]
    posted = await office.client("core", "POST", "/v1/transactions:batchCreate", {"items": mixed})
    assert outcomes(posted) == ["created", "source_not_yours", "parked"]
    reversal = {"source": "core", "account_number": "A", "external_id": "R", "booked_on": "2026-11-20", "reverses": "T-1"}
    for items in ([posting("T-4")], [reversal]):
        answer = await office.client("cards", "POST", "/v1/transactions:batchCreate", {"items": items})
        assert outcomes(answer) == ["source_not_yours"]
    kept = await office.fetch("SELECT external_id FROM posting ORDER BY external_id")
    assert [row["external_id"] for row in kept] == ["T-1", "T-3"]


async def test_d19_a_plain_batch_of_another_source_is_rejected_too(office, outlet):
    """All postings new, all accounts known: the path of one COPY."""
    await office.let_in("core", "core")
    await office.let_in("cards", "cards")
    await register(office, "core", "core", outlet)
    await office.client("core", "POST", "/v1/accounts:batchCreate", {"items": [account("A")]})
    items = [posting("T-1"), posting("T-2")]
    assert (
        outcomes(await office.client("cards", "POST", "/v1/transactions:batchCreate", {"items": items}))
        == ["source_not_yours"] * 2
    )
    assert await office.fetch("SELECT FROM posting") == []


async def test_d19_lists_and_reconciliations_show_a_client_its_sources(office):
    await office.let_in("core", "core")
    await office.let_in("cards", "cards")
    await office.let_in("both", "core", "cards")
    for source in ("core", "cards"):
        items = [posting("T", source, "same"), posting("U", source, "same")]
        await office.client(source, "POST", "/v1/transactions:batchCreate", {"items": items})
    await office.fetch(
        "INSERT INTO inbound_rejection SELECT gen_random_uuid(), 'bank.inbound.transactions', source, 'A', 'T', 'c', 'd', now()"
        " FROM unnest(ARRAY['core', 'cards']) AS source"
    )
    for path in ("/v1/parked-postings", "/v1/inbound-rejections"):
        for client_id, sources in (("core", {"core"}), ("cards", {"cards"}), ("both", {"core", "cards"})):
            shown = (await office.client(client_id, "GET", path)).json()["data"]
            assert {row["source"] for row in shown} == sources
        assert (await office.client("core", "GET", f"{path}?source=cards")).json()["data"] == []
    day = {"booked_on": "2026-11-20", "currency": "CNY", "count": 1, "sum": -500}
    for source, status in (("core", 200), ("cards", 403)):
        asked = await office.client("core", "POST", "/v1/reconciliations", {"source": source, "days": [day]})
        assert asked.status_code == status


async def test_parked_postings_of_two_sources_under_one_number_are_all_listed_page_by_page(office):
    await office.let_in("both", "core", "cards")
    items = [posting("T", source, "same") for source in ("core", "cards")]
    await office.client("both", "POST", "/v1/transactions:batchCreate", {"items": items})
    seen, cursor = [], ""
    while cursor is not None:
        page = (await office.client("both", "GET", f"/v1/parked-postings?limit=1{cursor}")).json()
        seen += [row["source"] for row in page["data"]]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    assert sorted(seen) == ["cards", "core"]


async def test_d19_the_file_of_another_sources_customer_is_not_there_for_a_client(office, outlet):
    await office.let_in("core", "core")
    await office.let_in("cards", "cards")
    customer = (await register(office, "cards", "cards", outlet)).json()["id"]
    consent = {"purpose": "marketing", "channels": ["phone"], "method": "mobile_app", "text_version": "1"}
    path = f"/v1/customers/{customer}/consents:grant"
    answers = [await office.client(client_id, "POST", path, consent) for client_id in ("core", "cards")]
    assert [answer.status_code for answer in answers] == [404, 200]


async def test_d19_of_two_approvals_of_a_client_at_once_one_wins(office):
    await office.enter("cleo")
    office.clock.advance(timedelta(days=7))
    proposal = (await office.post("ana", "/v1/clients", client("core", "core"))).json()
    answers = await asyncio.gather(*(office.decide(who, proposal) for who in ("ben", "cleo", "ben", "cleo")))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


async def test_clients_that_a_migration_moved_are_published_once(office):
    moved = directory.new_client(LOCAL_ISSUER, "old", "old", "core_banking", ["core"])
    await office.fetch(
        "INSERT INTO directory_client VALUES ($1, $2, 'old', 'old', 'core_banking', '{core}', true, 3)", moved.id, LOCAL_ISSUER
    )
    for _ in range(2):
        async with office.database.transaction() as uow:
            await directory.prepare_directory(uow, LOCAL_ISSUER, (), office.clock.now())
            await uow.commit()
    rows = await office.fetch("SELECT topic, payload FROM outbox")
    records = [record for row in rows for record in unpack(row["topic"], row["payload"])]
    assert [record.key.decode() for record in records].count(f"client:{moved.id}") == 1
    assert (await office.fetch("SELECT version FROM directory_client"))[0]["version"] == 4
