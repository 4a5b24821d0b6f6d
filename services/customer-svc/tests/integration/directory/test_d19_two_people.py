"""D19: a power role is given and taken by two people, whatever one of them tries."""

import asyncio
from datetime import timedelta

import pytest
from customer_svc.directory import repository
from customer_svc.directory import service as directory
from customer_svc.proposals.appointment import appoint
from customer_svc.proposals.errors import EnoughApprovers
from customer_svc.proposals.jobs import watch_directory
from customer_svc.proposals.metrics import APPROVERS, CHANGES
from customer_svc.settings import CustomerSettings
from guanxi_common.calendar import BusinessCalendar
from guanxi_common.errors import DomainError
from guanxi_common.messaging.outbox.rows import unpack
from guanxi_common.security.issuer import LOCAL_ISSUER
from guanxi_common.security.principal import AuditContext, Purpose
from guanxi_common.settings import SettingsError
from guanxi_common.work import Work
from guanxi_testing.eventually import eventually

pytestmark = pytest.mark.anyio
HOST = AuditContext("host:root", "appoint", Purpose.OPERATIONS, None)
WEEK = timedelta(days=7)


async def test_d19_a_power_role_is_in_force_when_a_second_person_has_approved(office):
    proposal = await office.propose("ana", "cleo", "operations")
    assert (proposal["state"], proposal["base_version"], proposal["entry"]["role"]) == ("open", 0, "operations")
    assert await office.role_of("cleo") is None
    assert (await office.call("cleo", "GET", "/v1/outlets")).status_code == 403
    approved = await office.decide("ben", proposal)
    assert (approved.json()["state"], approved.json()["decided_by"]) == ("approved", office.id("ben"))
    assert await office.role_of("cleo") == "operations"
    rows = await office.fetch("SELECT topic, payload FROM outbox ORDER BY sequence DESC LIMIT 1")
    assert b'"subject":"cleo"' in unpack(rows[0]["topic"], rows[0]["payload"])[0].value


async def test_d19_proposal_and_decision_are_in_the_audit_log(office):
    proposal = await office.propose("ana", "cleo")
    await office.decide("ben", proposal)
    entries = await office.fetch(
        "SELECT actor, action, subject_type, subject_id FROM audit_entry WHERE actor <> 'system:start' ORDER BY id"
    )
    assert [tuple(entry) for entry in entries] == [
        (f"staff:{office.id('ana')}", "registerStaff", "directory_proposal", proposal["id"]),
        (f"staff:{office.id('ben')}", "approveProposal", "staff", office.id("cleo")),
        (f"staff:{office.id('ben')}", "approveProposal", "directory_proposal", proposal["id"]),
    ]
    kept = (await office.call("ben", "GET", f"/v1/directory-proposals/{proposal['id']}")).json()
    assert (kept["reason"], kept["decision_reason"]) == ("Joins.", "Seen.")


async def test_other_changes_of_the_directory_stay_direct(office):
    entered = await office.post("ana", "/v1/staff", {"subject": "rm", "name": "rm", "role": "relationship_manager"})
    moved = await office.patch("ana", "rm", {"role": "team_lead"})
    named = await office.patch("ana", "ben", {"name": "Ben"})
    assert [answer.status_code for answer in (entered, moved, named)] == [201, 200, 200]


async def test_d19_the_proposer_does_not_approve(office):
    proposal = await office.propose("ana", "cleo")
    refused = await office.decide("ana", proposal)
    assert (refused.status_code, refused.json()["code"]) == (409, "same_person")
    assert await office.role_of("cleo") is None


async def test_d19_nobody_decides_about_their_own_entry(office):
    await office.enter("cleo")
    office.clock.advance(WEEK)
    proposal = (await office.patch("ana", "cleo", {"role": "teller", "reason": "Leaves."})).json()
    for verb in ("approve", "reject"):
        assert (await office.decide("cleo", proposal, verb)).json()["code"] == "own_entry"
    assert (await office.decide("ben", proposal)).is_success
    assert await office.role_of("cleo") == "teller"


async def test_d19_a_puppet_neither_approves_nor_proposes_for_its_maker_within_seven_days(office):
    await office.enter("puppet")
    by_ana = await office.propose("ana", "dora")
    by_puppet = await office.propose("puppet", "emil")
    for who, proposal in (("puppet", by_ana), ("ana", by_puppet)):
        assert (await office.decide(who, proposal)).json()["code"] == "not_independent"
    assert (await office.decide("ben", by_ana)).is_success
    office.clock.advance(WEEK)
    later = await office.propose("ana", "fay")
    assert (await office.decide("puppet", later)).is_success


async def test_d19_a_change_of_the_approver_by_the_proposer_counts_too(office):
    await office.patch("ana", "ben", {"name": "Benjamin"})
    proposal = await office.propose("ana", "cleo")
    assert (await office.decide("ben", proposal)).json()["code"] == "not_independent"


@pytest.mark.parametrize("role", ["head_office", "compliance_officer", "operations"])
async def test_d19_promotion_and_return_need_two_people(office, role):
    """Also of somebody who was entered in a role that one person gives, and of a dismissed holder."""
    await office.post("ana", "/v1/staff", {"subject": "rm", "name": "rm", "role": "relationship_manager"})
    promoted = await office.patch("ana", "rm", {"role": role, "reason": "Promoted."})
    assert promoted.status_code == 202
    assert await office.role_of("rm") == "relationship_manager"
    await office.decide("ben", promoted.json())
    for change in ({"active": False}, {"active": True}):
        answer = await office.patch("ana", "rm", {**change, "reason": "Leave."})
        assert answer.status_code == 202
        await office.decide("ben", answer.json())


async def test_the_same_subject_is_never_entered_a_second_time_with_another_role(office):
    again = await office.post("ana", "/v1/staff", {"subject": "ben", "name": "x", "role": "teller", "reason": "Sly."})
    assert again.json()["code"] == "already_in_directory"
    first, second = await office.propose("ana", "cleo", "operations"), await office.propose("ana", "cleo", "head_office")
    assert (await office.decide("ben", first)).is_success
    assert (await office.decide("ben", second)).json()["code"] == "proposal_outdated"
    assert await office.role_of("cleo") == "operations"


async def test_d19_a_change_in_between_makes_a_proposal_outdated(office):
    await office.post("ana", "/v1/staff", {"subject": "rm", "name": "rm", "role": "teller"})
    proposal = (await office.patch("ana", "rm", {"role": "operations", "reason": "Joins."})).json()
    await office.patch("ana", "rm", {"active": False})
    refused = await office.decide("ben", proposal)
    assert (refused.status_code, refused.json()["code"]) == (409, "proposal_outdated")
    assert await office.role_of("rm") is None


async def test_d19_at_least_two_approvers_stay(office):
    refused = await office.patch("ana", "ben", {"active": False, "reason": "Alone at last."})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_few_approvers")
    await office.enter("cleo")
    office.clock.advance(WEEK)
    takes_ben = (await office.patch("ana", "ben", {"role": "operations", "reason": "Moves."})).json()
    takes_cleo = (await office.patch("ana", "cleo", {"active": False, "reason": "Leaves."})).json()
    assert (await office.decide("cleo", takes_ben)).is_success
    office.clock.advance(timedelta(days=1))
    assert (await office.decide("ana", takes_cleo)).json()["code"] == "same_person"
    assert (await office.patch("cleo", "ana", {"active": False, "reason": "Alone."})).json()["code"] == "too_few_approvers"


async def test_d19_what_a_removed_proposer_left_behind_is_not_approved(office):
    await office.enter("cleo")
    office.clock.advance(WEEK)
    left = await office.propose("cleo", "accomplice")
    await office.decide("ben", (await office.patch("ana", "cleo", {"active": False, "reason": "Dismissed."})).json())
    assert (await office.decide("ben", left)).json()["code"] == "proposer_gone"


async def test_a_proposal_expires_is_rejected_or_withdrawn_once(office):
    expiring = await office.propose("ana", "late")
    office.clock.advance(WEEK)
    assert (await office.decide("ben", expiring)).json()["code"] == "proposal_expired"
    rejected, withdrawn = await office.propose("ana", "no"), await office.propose("ana", "oops")
    assert (await office.decide("ben", rejected, "reject")).json()["state"] == "rejected"
    assert (await office.decide("ben", withdrawn, "withdraw")).json()["code"] == "not_the_proposer"
    assert (await office.decide("ana", withdrawn, "withdraw")).json()["state"] == "withdrawn"
    for proposal in (rejected, withdrawn):
        assert (await office.decide("ben", proposal)).json()["code"] == "proposal_decided"
    states = {}
    for state in ("open", "expired", "rejected", "withdrawn"):
        page = (await office.call("ben", "GET", f"/v1/directory-proposals?state={state}")).json()
        states[state] = [row["entry"]["subject"] for row in page["data"]]
    assert states == {"open": [], "expired": ["late"], "rejected": ["no"], "withdrawn": ["oops"]}


async def test_of_two_approvals_at_once_one_wins(office):
    await office.enter("cleo", "compliance_officer")
    office.clock.advance(WEEK)
    proposal = await office.propose("ana", "dora")
    answers = await asyncio.gather(*(office.decide(who, proposal) for who in ("ben", "cleo") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    versions = await office.fetch("SELECT version FROM directory_staff WHERE subject = 'dora'")
    assert [row["version"] for row in versions] == [1]


async def test_a_decision_waits_for_another_and_sees_what_it_did(office):
    proposal = await office.propose("ana", "cleo")
    waiting = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    async with office.database.transaction() as other:
        await repository.lock_directory(other)
        deciding = asyncio.create_task(office.decide("ben", proposal))
        await eventually(lambda: office.fetch(waiting), timeout=30)
        await other.driver.execute("UPDATE directory_proposal SET state = 'rejected'")
        await other.commit()
    assert (await deciding).json()["code"] == "proposal_decided"
    assert await office.role_of("cleo") is None


async def test_a_retried_request_is_answered_alike_and_proposes_once(office):
    body = {"subject": "cleo", "name": "cleo", "role": "operations", "reason": "Joins."}
    first, again = [await office.post("ana", "/v1/staff", body, key="k-1") for _ in range(2)]
    assert first.content == again.content
    approvals = [await office.decide("ben", first.json(), key="k-2") for _ in range(2)]
    assert approvals[0].content == approvals[1].content
    assert len(await office.fetch("SELECT FROM directory_proposal")) == 1


async def test_a_reason_is_needed_where_a_second_person_decides(office):
    for reason, code in ((None, "reason_required"), ("   ", "invalid_input")):
        body = {"subject": "cleo", "name": "cleo", "role": "operations", "reason": reason}
        answer = await office.post("ana", "/v1/staff", body)
        assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_d19_compliance_proposes_and_approves_but_changes_nothing_alone(office):
    await office.enter("cleo", "compliance_officer")
    office.clock.advance(WEEK)
    assert (await office.decide("cleo", await office.propose("ana", "dora"))).is_success
    assert (await office.decide("ana", await office.propose("cleo", "emil"))).is_success
    alone = await office.post("cleo", "/v1/staff", {"subject": "rm", "name": "rm", "role": "teller"})
    assert (alone.status_code, alone.json()["code"]) == (403, "forbidden")


# The way back on the host.


async def try_to_appoint(office, subject, **options):
    role = options.pop("role", "head_office")
    async with office.database.transaction() as uow:
        new = directory.new_staff(LOCAL_ISSUER, subject, subject, role)
        await appoint(uow, HOST, new, "Ben lost his token.", office.clock.now(), **options)
        await uow.commit()


async def test_d19_appointing_on_the_host_is_for_fewer_than_two_approvers(office):
    with pytest.raises(EnoughApprovers):
        await try_to_appoint(office, "cleo")
    await try_to_appoint(office, "cleo", replaces="ben")
    assert [await office.role_of(name) for name in ("ana", "ben", "cleo")] == ["head_office", None, "head_office"]
    entries = await office.fetch("SELECT actor, action FROM audit_entry WHERE subject_type = 'staff' AND actor <> 'system:start'")
    assert {tuple(entry) for entry in entries} == {("host:root", "appoint")}
    kept = await office.fetch("SELECT reason FROM directory_change WHERE how = 'appointed'")
    assert {row["reason"] for row in kept} == {"Ben lost his token."}
    assert (await office.decide("cleo", await office.propose("ana", "dora"))).is_success


async def test_d19_an_appointment_gives_a_role_that_approves_and_replaces_who_could(office):
    for options in ({"role": "operations", "replaces": "ben"}, {"replaces": "nobody"}):
        with pytest.raises(DomainError):
            await try_to_appoint(office, "cleo", **options)
    assert [await office.role_of(name) for name in ("ben", "cleo")] == ["head_office", None]


async def test_the_gauges_behind_the_alerts_are_set(office):
    async def look():
        async with office.database.transaction() as uow:
            assert await watch_directory(Work.of_system(uow, "watch-directory", office.clock.now(), BusinessCalendar())) == 0
        return APPROVERS._value.get(), [CHANGES.labels(how)._value.get() for how in ("proposed", "appointed")]

    assert await look() == (2, [0, 0])
    await office.enter("cleo")
    await office.fetch("UPDATE directory_staff SET active = false WHERE subject <> 'ana'")
    await try_to_appoint(office, "dora")
    assert await look() == (2, [1, 1])


# Founders.


@pytest.mark.parametrize(
    ("named", "production", "expected"),
    [
        ("a.wang,b.li", True, (("a.wang", "head_office"), ("b.li", "head_office"))),
        (" a , b:compliance_officer,", True, (("a", "head_office"), ("b", "compliance_officer"))),
        ("a,a", True, (("a", "head_office"),)),
        (None, True, ()),
        (None, False, (("president", "head_office"), ("compliance", "compliance_officer"))),
    ],
)
def test_d19_founders_are_read_from_the_setting(named, production, expected):
    settings = CustomerSettings.model_construct(founders=named, environment="production" if production else "development")
    assert settings.founder_roles == expected


@pytest.mark.parametrize("named", [None, "a", "a,a", " , a:head_office"])
def test_d19_production_does_not_start_with_fewer_than_two_founders(named):
    with pytest.raises(SettingsError, match="GUANXI_FOUNDERS must name two or more"):
        CustomerSettings(environment="production", founders=named)


@pytest.mark.parametrize("founders", [(), (("a", "head_office"),), (("a", "head_office"), ("b", "operations"))])
async def test_d19_an_empty_directory_needs_two_founders_who_can_approve(office, founders):
    async with office.database.transaction() as uow:
        await uow.driver.execute("DELETE FROM directory_staff")
        with pytest.raises(SettingsError, match="GUANXI_FOUNDERS must name two"):
            await directory.prepare_directory(uow, LOCAL_ISSUER, founders, office.clock.now())


async def test_founders_are_entered_once(office):
    async with office.database.transaction() as uow:
        await directory.prepare_directory(uow, LOCAL_ISSUER, (("x", "head_office"), ("y", "head_office")), office.clock.now())
        await uow.commit()
    assert await office.role_of("x") is None
