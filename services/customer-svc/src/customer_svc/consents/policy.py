"""Pure rules of consent: which purposes there are, and what a statement changes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from guanxi_common.errors import Text
from guanxi_contracts.vocabularies import CHANNELS
from pydantic import ConfigDict


@dataclass(frozen=True)
class ConsentStandard:
    """The purposes; see `standards.yaml`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    version: int
    author: str
    effective_from: date
    reason: str
    purposes: Mapping[str, Text]


@dataclass(frozen=True, slots=True)
class Said:
    """What a customer said of a channel, for one purpose, and when; `text_version` names the text that was agreed to.

    `version` is the order in which statements came in.
    """

    channel: str
    granted: bool
    text_version: str | None
    since: datetime
    version: int


def since_when(agreed_on: tuple[datetime, datetime] | None, now: datetime, *, granted: bool) -> datetime:
    """From when a statement counts: from now where it is made now.

    Of a day, given by its first moment and the first of the next day, a grant counts from the beginning and a withdrawal from the end, no
    later than now: of two statements of one day the withdrawal stands.
    """
    if agreed_on is None:
        return now
    first, after = agreed_on
    return first if granted else min(after - timedelta(microseconds=1), now)


def counting(said: Collection[Said]) -> dict[str, Said]:
    """By channel, what the customer said last: an older statement never beats a later one, whenever it comes in."""
    return {one.channel: one for one in sorted(said, key=lambda one: (one.since, one.version))}


def news(
    said: Collection[Said], channels: Collection[str] | None, *, granted: bool, text_version: str | None, since: datetime
) -> list[str]:
    """The channels, of all if None, for which such a statement is news.

    What says the same as what counts is none, unless it is older; of an older one, what was kept before is none. A refusal of what was
    never given is news too.
    """
    named = [channel for channel in CHANNELS if channels is None or channel in channels]
    last, statement = counting(said), (granted, text_version)

    def is_known(channel: str) -> bool:
        stands = last.get(channel)
        if stands is None:
            return False
        if since >= stands.since:
            return (stands.granted, stands.text_version) == statement
        return any((one.granted, one.text_version) == statement for one in said if (one.channel, one.since) == (channel, since))

    return [channel for channel in named if not is_known(channel)]


def is_in_force(said: Collection[Said], channel: str, since: datetime) -> bool:
    """Whether a new statement of the channel counts: nothing was said later."""
    return all(one.since <= since for one in said if one.channel == channel)
