"""Pure rules of consent: which purposes there are, and what a statement changes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

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
    """What a customer last said of a channel, for one purpose; `text_version` names the text that was agreed to."""

    channel: str
    granted: bool
    text_version: str | None


def newly_granted(said: Collection[Said], channels: Collection[str], text_version: str) -> list[str]:
    """The channels for which a grant is news: not given yet, withdrawn since, or given to another text."""
    known = {one.channel for one in said if one.granted and one.text_version == text_version}
    return [channel for channel in CHANNELS if channel in channels and channel not in known]


def newly_withdrawn(said: Collection[Said], channels: Collection[str] | None) -> list[str]:
    """The channels for which a withdrawal is news; None asks for all of them. A refusal of what was never given is news too."""
    known = {one.channel for one in said if not one.granted}
    return [channel for channel in CHANNELS if (channels is None or channel in channels) and channel not in known]
