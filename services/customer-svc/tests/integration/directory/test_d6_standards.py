"""D6: a standard is changed by two people while everything runs, and the version in force counts."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from customer_svc.settings import CustomerSettings
from customer_svc.standards import service
from customer_svc.tiers.policy import TierStandard
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.settings import SettingsError
from guanxi_common.standards.refreshing import read_once
from guanxi_contracts import standards as contracts
from guanxi_contracts.standards import load_catalogue

pytestmark = pytest.mark.anyio

NOTICE = timedelta(minutes=5)
WEEK = timedelta(days=7)
ONE_TIER = {"grace_days": 30, "tiers": [{"code": "wealth", "name": {"zh": "财富", "en": "Wealth"}, "from_minor": {"CNY": 100}}]}


async def propose(office, who: str = "ana", kind: str = "tiers", body: Any = None, **more: Any) -> Any:
    wish = {"body": body or ONE_TIER, "reason": "A simpler offer.", **more}
    return await office.post(who, f"/v1/standards/{kind}:propose", wish)


async def decide(office, who: str, proposal: dict[str, Any], verb: str = "approve") -> Any:
    body = None if verb == "withdraw" else {"reason": "Seen."}
    return await office.post(who, f"/v1/standard-proposals/{proposal['id']}:{verb}", body)


async def in_force(office, kind: str = "tiers") -> int:
    return (await office.call("ana", "GET", f"/v1/standards/{kind}")).json()["in_force"]


async def test_d6_what_ships_is_adopted_once_and_told(office):
    listed = (await office.call("ana", "GET", "/v1/standards?limit=100")).json()["data"]
    assert {(one["kind"], one["in_force"]) for one in listed} >= {("tiers", 1), ("signals", 2), ("actions", 3)}
    before = [(one["kind"], one["number"]) for one in await office.told("standard")]
    assert sorted(before) == [(kind.name, one.number) for kind in load_catalogue().values() for one in kind.shipped]
    async with office.database.transaction() as uow:
        await service.adopt_packages(uow, BusinessCalendar(), office.clock.now())
        await uow.commit()
    assert len(await office.told("standard")) == len(before)


async def test_d6_a_version_counts_five_minutes_after_a_second_person_approved_it(office):
    proposal = (await propose(office)).json()
    assert (proposal["state"], proposal["base_number"], proposal["number"]) == ("open", 1, None)
    approved = (await decide(office, "ben", proposal)).json()
    assert (approved["state"], approved["number"]) == ("approved", 2)
    told = (await office.told("standard"))[-1]
    assert (told["kind"], told["number"], told["body"]) == ("tiers", 2, ONE_TIER)
    assert (told["author"], told["approved_by"]) == (f"staff:{office.id('ana')}", f"staff:{office.id('ben')}")
    register = office.app.state.edge.parts.register
    await read_once(office.database, register, office.clock)
    office.clock.advance(NOTICE - timedelta(seconds=1))
    assert await in_force(office) == 1
    assert office.app.state.edge.parts.standards[TierStandard].version == 1
    office.clock.advance(timedelta(seconds=1))
    assert await in_force(office) == 2
    assert office.app.state.edge.parts.standards[TierStandard].version == 2, "no restart, and no look at the database"
    first = (await office.call("ana", "GET", "/v1/standards/tiers/versions/1")).json()
    assert first["body"]["grace_days"] == 90, "what a result was made by stays readable"
    newest = (await office.call("ana", "GET", "/v1/standards/tiers/versions")).json()["data"]
    assert [one["number"] for one in newest] == [2, 1]


async def test_d6_a_version_can_wait_for_its_day(office):
    tomorrow = (office.clock.now() + timedelta(days=1)).isoformat()
    approved = (await decide(office, "ben", (await propose(office, effective_at=tomorrow)).json())).json()
    assert approved["effective_at"] == tomorrow.replace("+00:00", "Z")
    office.clock.advance(timedelta(hours=23))
    assert await in_force(office) == 1
    office.clock.advance(timedelta(hours=1))
    assert await in_force(office) == 2


async def test_d6_neither_of_the_two_does_it_alone(office):
    await office.enter("puppet")
    by_ana, by_puppet = (await propose(office)).json(), (await propose(office, "puppet")).json()
    refusals = [
        await decide(office, "ana", by_ana),
        await decide(office, "puppet", by_ana),  # whom ana entered today
        await decide(office, "ana", by_puppet),
        await decide(office, "ben", by_ana, "withdraw"),
    ]
    codes = [(answer.status_code, answer.json()["code"]) for answer in refusals]
    assert codes == [(409, "same_person"), (409, "not_independent"), (409, "not_independent"), (403, "not_the_proposer")]
    assert (await decide(office, "ana", by_ana, "withdraw")).json()["state"] == "withdrawn"
    assert (await decide(office, "ben", by_ana)).json()["code"] == "proposal_decided"
    assert (await decide(office, "ben", by_puppet, "reject")).json()["state"] == "rejected"
    assert len(await office.told("standard")) == sum(len(kind.shipped) for kind in load_catalogue().values())


async def test_d6_a_proposal_ends_with_time_and_with_its_base(office):
    old = (await propose(office)).json()
    office.clock.advance(WEEK)
    assert (await decide(office, "ben", old)).json()["code"] == "proposal_expired"
    one, other = (await propose(office)).json(), (await propose(office, body={**ONE_TIER, "grace_days": 60})).json()
    answers = await asyncio.gather(decide(office, "ben", one), decide(office, "ben", other))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert {answer.json().get("code") for answer in answers} == {None, "standard_changed"}


async def test_d6_whoever_lost_the_role_proposes_nothing_any_more(office):
    await office.enter("cleo")
    office.clock.advance(WEEK)
    proposal = (await propose(office, "cleo")).json()
    demotion = (await office.patch("ana", "cleo", {"role": "teller", "reason": "Moves."})).json()
    assert (await office.decide("ben", demotion)).is_success
    assert (await decide(office, "ben", proposal)).json()["code"] == "proposer_gone"


BROKEN = [
    ("tiers", {"tiers": []}, "/body", "schema.required"),
    ("tiers", {**ONE_TIER, "grace_days": "90"}, "/body/grace_days", "schema.type"),
    ("tiers", {**ONE_TIER, "limit": 1}, "/body", "schema.additionalProperties"),
    ("tiers", {**ONE_TIER, "version": 9}, "/body", "schema.additionalProperties"),  # a body says nothing of its version
    ("tiers", {**ONE_TIER, "grace_days": -1}, "/body", "rule"),
    ("retention", {"medium_from_bp": 1}, "/body", "schema.required"),  # of another service
]


async def test_d6_a_body_keeps_the_schema_and_the_rules_of_its_kind(office):
    for kind, body, pointer, code in BROKEN:
        refused = await propose(office, kind=kind, body=body)
        assert refused.status_code == 422, body
        assert (refused.json()["errors"][0]["pointer"], refused.json()["errors"][0]["code"]) == (pointer, code)


async def test_d6_no_version_begins_sooner_than_everybody_knows_it(office):
    soon = (office.clock.now() + NOTICE).isoformat()
    past = (office.clock.now() - timedelta(days=1)).isoformat()
    assert (await propose(office, effective_at=past)).json()["code"] == "effective_too_soon"
    proposal = (await propose(office, effective_at=soon)).json()
    office.clock.advance(timedelta(seconds=1))
    assert (await decide(office, "ben", proposal)).json()["code"] == "effective_too_soon"
    assert (await propose(office, kind="horoscopes")).status_code == 404
    with pytest.raises(SettingsError, match="GUANXI_STANDARD_NOTICE_SECONDS"):
        CustomerSettings(environment="production", standard_notice_seconds=299)


async def test_d6_a_newer_version_of_the_package_is_a_proposal_and_takes_the_next_number(office, monkeypatch):
    assert (await decide(office, "ben", (await propose(office)).json())).json()["number"] == 2
    tiers = load_catalogue()["tiers"]
    newer = replace(tiers.shipped[0], number=2, body={**ONE_TIER, "grace_days": 7})
    catalogue = {**load_catalogue(), "tiers": replace(tiers, shipped=[*tiers.shipped, newer])}
    monkeypatch.setattr(service, "load_catalogue", lambda: catalogue)
    for _ in range(2):  # at every start
        async with office.database.transaction() as uow:
            await service.adopt_packages(uow, BusinessCalendar(), office.clock.now())
            await uow.commit()
    office.clock.advance(timedelta(days=30))
    offered = (await office.call("ana", "GET", "/v1/standard-proposals?kind=tiers&state=open")).json()["data"]
    assert [(one["package_version"], one["author"]) for one in offered] == [(2, "founders")]
    assert (await in_force(office), len(await office.fetch("SELECT FROM standard_version WHERE kind = 'tiers'"))) == (2, 2)
    assert (await decide(office, "ana", offered[0])).json()["number"] == 3


async def test_d6_a_preview_counts_who_would_move(office):
    north = await office.branch()
    await office.employ("rm", outlet=north)
    for minor in (50, 100, 20_000_000):
        customer = await office.customer(north, "rm")
        await office.fetch(
            "INSERT INTO account (id, source, account_number, customer_id, product_code, currency, opened_on, balance_minor,"
            " balance_as_of) VALUES (gen_random_uuid(), 'core', $1, $1::text::uuid, 'CURRENT', 'CNY', '2026-01-01', $2, '2026-11-01')",
            customer,
            minor,
        )
    proposal = (await propose(office, "ben")).json()
    preview = (await office.call("ana", "GET", f"/v1/standard-proposals/{proposal['id']}/preview")).json()
    assert (preview["against"], preview["looked_at"], preview["complete"]) == (1, 3, True)
    moves = [(one["before"], one["after"], one["customers"]) for one in preview["moves"]]
    assert moves == [("none", "wealth", 1), ("preferred", "wealth", 1)]
    assert len(preview["examples"]) == 2
    purposes = {"purposes": {"marketing": {"zh": "营销", "en": "Offers"}}}
    other = (await propose(office, kind="consents", body=purposes)).json()
    assert (await office.call("ana", "GET", f"/v1/standard-proposals/{other['id']}/preview")).json()["code"] == "no_preview"


async def test_d6_all_versions_are_published_anew(office):
    async with office.database.transaction() as uow:
        first = await service.publish_anew(uow, None, 5)
        second = await service.publish_anew(uow, first.cursor, 100)
        await uow.commit()
    assert (first.published, second.cursor) == (5, None)
    assert first.published + second.published == sum(len(kind.shipped) for kind in load_catalogue().values())


def test_d6_the_catalogue_is_valid_by_its_own_schemas() -> None:
    for kind in load_catalogue().values():
        for shipped in kind.shipped:
            assert contracts.problems_of(kind, shipped.body) == [], (kind.name, shipped.number)
