"""Open the touches that are due: once a business day for everybody, chunk by chunk."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from guanxi_common.errors import Text
from guanxi_common.messaging.failures import describe
from guanxi_common.set_aside import try_each
from guanxi_common.work import Work

from engagement_svc.actions import service as actions
from engagement_svc.actions.service import Recommendation
from engagement_svc.rules import Rules
from engagement_svc.touches import policy, repository
from engagement_svc.touches.policy import Due, Known, Occasion, TouchStandard

CHUNK: Final = 200
_KINDS: Final = {Occasion.BIRTHDAY: "date", Occasion.CARE: "care"}

log = structlog.get_logger(__name__)


async def open_touches(work: Work, rules: Rules, standard: TouchStandard) -> int:
    """Look at the next customers of the day's pass; returns how many. For the job. Safe in several workers, and to be killed anywhere."""
    day = await repository.take_pass(work.uow, work.today)
    if day is None:
        return 0
    chunk = await repository.read_next(work.uow, rules.calendar, _reached(rules), day.position, CHUNK)
    if not chunk:
        await repository.finish_pass(work.uow, day.day, work.now)
        return 0
    await _open_due(work, rules, standard, chunk)
    await repository.note_reached(work.uow, day.day, chunk[-1].customer_id)
    return len(chunk)


async def open_touches_of(work: Work, rules: Rules, standard: TouchStandard, customer_ids: Collection[UUID]) -> None:
    """The same for customers of whom something new is known: the day's pass may have gone by."""
    known = await repository.read_known(work.uow, rules.calendar, _reached(rules), customer_ids)
    await _open_due(work, rules, standard, known)


def _reached(rules: Rules) -> list[str]:
    """The results by which a silence ends: an attempt ends none."""
    return [code for code, result in rules.standards.contact_results.items() if result.counts]


async def _open_due(work: Work, rules: Rules, standard: TouchStandard, customers: Sequence[Known]) -> None:
    due = {known: found for known in customers if (found := policy.touch_due(known, work.today, standard))}

    async def open_each(chosen: Sequence[Known]) -> None:
        for known in chosen:
            await _open(work, rules, standard, known, due[known])

    for known, error in (await try_each(work.uow, list(due), open_each)).items():
        log.warning("touch_not_opened", customer_id=str(known.customer_id), error=describe(error))


async def _open(work: Work, rules: Rules, standard: TouchStandard, known: Known, due: Due) -> None:
    channel = policy.channel_for(known.preferred_channels, known.consents, standard)
    if channel is not None:
        await actions.take_up(work, rules, _recommendation(standard, known, due, channel))


def _recommendation(standard: TouchStandard, known: Known, due: Due, channel: str) -> Recommendation:
    talk, touch_id, kind = standard.talk(due.occasion), due.touch_id(known.customer_id), _KINDS[due.occasion]
    shown = {
        "action_id": str(touch_id),
        "kind": kind,
        "channel": channel,
        "content": {"zh": talk.zh, "en": talk.en},
        "price": None,
        "product_code": None,
        "expires_on": due.expires_on.isoformat(),
    }
    silence = {} if due.silent_days is None else {"silent_days": due.silent_days, "care_days": standard.care_days}
    return Recommendation(
        action_id=touch_id,
        customer_id=known.customer_id,
        kind=kind,
        channel=channel,
        product_code=None,
        consent_purpose=None,
        reason_code="birthday" if due.occasion is Occasion.BIRTHDAY else "care_due",
        reason=_reason(due),
        evidence={**silence, "standard": f"touches-{standard.version}", "action": shown},
        priority_bp=talk.priority_bp,
        due_within=timedelta(hours=talk.due_within_hours),
        expires_on=due.expires_on,
    )


def _reason(due: Due) -> Text:
    """The birthday itself is not named: the evidence of a task holds no personal data."""
    if due.silent_days is None:
        return Text("The customer's birthday is near.", "客户生日临近。")
    return Text(f"Nobody has contacted the customer for {due.silent_days} days.", f"已{due.silent_days}天未联系客户。")
