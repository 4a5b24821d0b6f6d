"""C6: how a customer wants to be contacted, each field with when and how it was agreed."""

import asyncio
from typing import Any

import pytest
from customer_svc.contact_preferences import service
from customer_svc.contact_preferences.repository import ContactPreferences
from customer_svc.contact_preferences.schemas import ContactPreferencesChange
from guanxi_common.errors import InvalidInput, StaleVersion

pytestmark = pytest.mark.anyio

QUIET = {"from": "21:00", "to": "09:00"}


async def change(desk: Any, version: int | None = None, **told: Any) -> ContactPreferences:
    body = ContactPreferencesChange.model_validate({"method": "in_person", **told})
    return await desk.write(lambda uow: service.change_preferences(desk.work(uow, version), desk.keys, desk.customer, body))


async def test_c6_what_is_agreed_is_told_and_what_is_left_out_stays(desk: Any) -> None:
    await change(desk, 0, preferred_channels=["wechat", "phone"], contact_limits={"max_contacts": 2, "per_days": 30})
    agreed = await change(desk, 1, quiet_hours=QUIET, method="phone", agreed_on="2026-11-19")
    assert (agreed.version, agreed.preferred_channels, agreed.max_contacts) == (2, ("wechat", "phone"), 2)
    told = await desk.snapshot()
    assert told["preferred_channels"] == ["wechat", "phone"]
    assert told["contact_limits"] == {"max_contacts": 2, "per_days": 30}
    assert told["quiet_hours"] == QUIET
    assert [data["changed_fields"] for kind, _, data in await desk.told() if kind == "customer.changed"] == [
        ["preferred_channels", "contact_limits"],
        ["quiet_hours"],
    ]
    assert await desk.versions() == [2, 3]


async def test_c6_each_field_says_when_and_how_it_was_agreed(desk: Any) -> None:
    await change(desk, preferred_channels=["phone"])
    await change(desk, quiet_hours=QUIET, agreed_on="2026-11-18")
    agreed = (await change(desk, quiet_hours=None, method="phone", agreed_on="2026-11-19")).agreed
    assert (agreed["preferred_channels"]["on"], agreed["preferred_channels"]["method"]) == ("2026-11-21", "in_person")
    assert (agreed["quiet_hours"]["on"], agreed["quiet_hours"]["method"]) == ("2026-11-19", "phone")
    assert {one["recorded_by"] for one in agreed.values()} == {desk.actor}
    assert "quiet_hours" not in await desk.snapshot()


async def test_c6_of_changes_that_race_on_one_version_one_is_made(desk: Any) -> None:
    limits = [{"max_contacts": n, "per_days": 30} for n in range(1, 6)]
    outcomes = await asyncio.gather(*(change(desk, 0, contact_limits=one) for one in limits), return_exceptions=True)
    assert sum(isinstance(outcome, ContactPreferences) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, StaleVersion) for outcome in outcomes) == 4
    assert await desk.versions() == [2]


async def test_c6_what_changes_nothing_is_no_change(desk: Any) -> None:
    first = await change(desk, quiet_hours=QUIET)
    assert await change(desk, quiet_hours=QUIET, topics=[]) == first
    assert await desk.versions() == [2]


@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        ({"preferred_channels": ["phone", "phone"]}, "/preferred_channels"),
        ({"quiet_hours": {"from": "09:00", "to": "09:00"}}, "/quiet_hours/to"),
        ({"topics": ["events"], "agreed_on": "2026-11-22"}, "/agreed_on"),
    ],
)
async def test_c6_what_cannot_be_agreed_is_refused(desk: Any, told: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await change(desk, **told)
    assert [error.pointer for error in refused.value.errors] == [pointer]
    assert await desk.told() == []


async def test_d5_what_was_agreed_earlier_does_not_replace_what_was_agreed_later(desk: Any) -> None:
    """A paper of the 10th typed in after one of the 18th; the other field was never agreed on."""
    agreed = await change(desk, quiet_hours=QUIET, agreed_on="2026-11-18")
    limits = {"max_contacts": 1, "per_days": 7}
    with pytest.raises(InvalidInput) as refused:
        await change(desk, quiet_hours=None, contact_limits=limits, agreed_on="2026-11-10")
    assert [(error.pointer, error.code) for error in refused.value.errors] == [("/quiet_hours", "agreed_later")]
    after = await change(desk, contact_limits=limits, agreed_on="2026-11-10")
    assert (after.quiet_from, after.max_contacts, after.version) == ("21:00", 1, agreed.version + 1)
    assert (await change(desk, quiet_hours=None, agreed_on="2026-11-18")).quiet_from is None, "of one day the last word stands"
