"""C6: consent per purpose and channel, every statement kept and told; a withdrawal acts at once."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from customer_svc.consents import repository, service
from customer_svc.consents.errors import UnknownPurpose
from customer_svc.consents.policy import ConsentStandard
from customer_svc.consents.repository import Statement
from customer_svc.consents.schemas import ConsentGrant, ConsentWithdrawal
from customer_svc.consents.service import ConsentRules
from guanxi_common.errors import InvalidInput, NotFound
from guanxi_contracts.vocabularies import CHANNELS

pytestmark = pytest.mark.anyio


def rules(desk: Any) -> ConsentRules:
    return ConsentRules(desk.standards[ConsentStandard], desk.calendar, desk.keys)


async def grant(
    desk: Any, *channels: str, text: str = "2026-03", purpose: str = "marketing", agreed_on: str | None = None
) -> list[Statement]:
    told = {"purpose": purpose, "channels": list(channels), "method": "signed_form", "text_version": text, "agreed_on": agreed_on}
    body = ConsentGrant.model_validate(told)
    return await desk.write(lambda uow: service.grant_consents(desk.work(uow), rules(desk), desk.customer, body))


async def withdraw(desk: Any, *channels: str, purpose: str = "marketing", agreed_on: str | None = None) -> list[Statement]:
    told: dict[str, Any] = {
        "purpose": purpose,
        "channels": list(channels) or None,
        "method": "phone_recorded",
        "agreed_on": agreed_on,
    }
    body = ConsentWithdrawal.model_validate(told)
    return await desk.write(lambda uow: service.withdraw_consents(desk.work(uow), rules(desk), desk.customer, body))


def states(said: list[Statement]) -> dict[tuple[str, str], bool]:
    return {(one.purpose, one.channel): one.granted for one in said}


async def test_c6_each_channel_is_told_at_a_version_of_its_own_and_the_snapshot_with_the_last(desk: Any) -> None:
    said = await grant(desk, "sms", "phone")
    assert states(said) == {("marketing", "sms"): True, ("marketing", "phone"): True}
    told = await desk.told()
    assert [(kind, version) for kind, version, _ in told] == [
        ("consent.changed", 2),
        ("consent.changed", 3),
        ("customer.snapshot", 3),
    ]
    assert [(data["channel"], data["granted"]) for kind, _, data in told if kind == "consent.changed"] == [
        ("phone", True),
        ("sms", True),
    ]
    assert {one["channel"]: one["granted"] for one in (await desk.snapshot())["consents"]} == {"phone": True, "sms": True}


async def test_c6_a_withdrawal_is_in_the_next_read_and_in_the_snapshot_of_its_own_transaction(desk: Any) -> None:
    await grant(desk, "phone", "sms")
    desk.now += timedelta(hours=1)
    said = await withdraw(desk, "phone")
    assert states(said) == {("marketing", "sms"): True, ("marketing", "phone"): False}
    told = {one["channel"]: one for one in (await desk.snapshot())["consents"]}
    assert told["phone"]["granted"] is False
    assert told["phone"]["since"] == "2026-11-20T18:00:00Z"
    assert told["sms"]["since"] == "2026-11-20T17:00:00Z"


async def test_c6_a_withdrawal_without_channels_is_for_every_one(desk: Any) -> None:
    await grant(desk, "phone")
    assert states(await withdraw(desk)) == {("marketing", channel): False for channel in CHANNELS}
    assert await desk.versions() == list(range(2, 3 + len(CHANNELS)))


async def test_c6_what_was_said_before_is_no_change_but_another_text_is(desk: Any) -> None:
    await grant(desk, "phone")
    await grant(desk, "phone")
    assert await desk.versions() == [2]
    [said] = await grant(desk, "phone", text="2026-09")
    assert said.text_version == "2026-09"
    await withdraw(desk, "phone")
    await withdraw(desk, "phone")
    assert await desk.versions() == [2, 3, 4]


async def test_c6_every_statement_is_kept_with_who_when_how_and_to_which_text(desk: Any) -> None:
    await grant(desk, "phone")
    await withdraw(desk, "phone")
    await grant(desk, "phone", purpose="research")
    async with desk.database.transaction(readonly=True) as uow:
        history = await repository.list_history(uow, desk.scope, desk.customer, desk.now, past=None, limit=10)
        rest = await repository.list_history(uow, desk.scope, desk.customer, desk.now, past=(history[0].version,), limit=10)
    assert [(s.purpose, s.granted, s.method, s.text_version) for s in history] == [
        ("research", True, "signed_form", "2026-03"),
        ("marketing", False, "phone_recorded", None),
        ("marketing", True, "signed_form", "2026-03"),
    ]
    assert {s.recorded_by for s in history} == {desk.actor}
    assert rest == history[1:]


async def test_c6_statements_that_race_are_all_told_without_a_gap(desk: Any) -> None:
    await asyncio.gather(
        *(grant(desk, "phone", "visit", text=f"t{n}") for n in range(4)), *(withdraw(desk, "phone") for _ in range(4))
    )
    versions = await desk.versions()
    assert sorted(versions) == list(range(2, 2 + len(versions)))
    [row] = await desk.fetch("SELECT version, (SELECT count(*) FROM consent) AS kept FROM customer")
    assert (row["version"], row["kept"]) == (max(versions), len(versions))
    async with desk.database.transaction(readonly=True) as uow:
        counting = await repository.read_consents(uow, desk.scope, desk.customer, desk.now)
    told = {(one["purpose"], one["channel"]): one["granted"] for one in (await desk.snapshot())["consents"]}
    assert told == states(counting)


async def test_c6_another_rms_customer_and_an_unknown_purpose_are_refused(desk: Any) -> None:
    with pytest.raises(UnknownPurpose):
        await grant(desk, "phone", purpose="gossip")
    stranger = replace(desk, rm=uuid4())
    with pytest.raises(NotFound):
        await withdraw(stranger)
    assert await desk.told() == []


async def test_d5_a_form_signed_before_a_withdrawal_and_typed_in_after_it_is_kept_and_not_in_force(desk: Any) -> None:
    await withdraw(desk, "phone")
    for _ in range(2):
        [counts] = await grant(desk, "phone", agreed_on="2026-11-18")
        assert not counts.granted
    [told] = (await desk.snapshot())["consents"]
    assert told["granted"] is False
    changes = [data for kind, _, data in await desk.told() if kind == "consent.changed"]
    assert [(data["granted"], data["in_force"], data["since"]) for data in changes] == [
        (False, True, "2026-11-20T17:00:00Z"),
        (True, False, "2026-11-17T16:00:00Z"),
    ]
    [kept] = await desk.fetch("SELECT agreed_on::text, recorded_at FROM consent WHERE granted")
    assert (kept["agreed_on"], kept["recorded_at"]) == ("2026-11-18", desk.now)
    desk.now += timedelta(days=1)
    [counts] = await grant(desk, "phone")
    assert counts.granted, "said now, it is the last word"


@pytest.mark.parametrize(
    ("first", "second", "granted"),
    [
        (("grant", "2026-11-10"), ("withdraw", "2026-11-09"), True),
        (("grant", "2026-11-10"), ("withdraw", "2026-11-10"), False),
        (("grant", "2026-11-10"), ("withdraw", "2026-11-11"), False),
        (("withdraw", "2026-11-10"), ("grant", "2026-11-11"), True),
        (("withdraw", "2026-11-10"), ("grant", "2026-11-10"), False),
        (
            ("withdraw", None),
            ("grant", "2026-11-21"),
            False,
        ),  # it is the 21st in Shanghai: said earlier the same day, for all we know
        (("grant", None), ("withdraw", "2026-11-20"), True),
        (("grant", None), ("withdraw", "2026-11-21"), False),
    ],
)
async def test_d5_the_later_statement_counts_in_either_order(
    desk: Any, first: tuple[str, str | None], second: tuple[str, str | None], granted: bool
) -> None:
    for verb, day in (first, second):
        [counts] = await (grant if verb == "grant" else withdraw)(desk, "phone", agreed_on=day)
    assert counts.granted is granted
    [told] = (await desk.snapshot())["consents"]
    assert told["granted"] is granted


async def test_d5_nobody_agrees_tomorrow(desk: Any) -> None:
    with pytest.raises(InvalidInput):
        await grant(desk, "phone", agreed_on="2026-11-22")
    with pytest.raises(InvalidInput):
        await withdraw(desk, "phone", agreed_on="2026-11-22")
