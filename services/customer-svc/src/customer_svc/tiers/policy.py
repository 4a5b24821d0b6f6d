"""Pure rules of tiers: what is reached, and when a customer moves up or down."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from guanxi_common.errors import Text
from pydantic import ConfigDict


@dataclass(frozen=True, slots=True)
class Tier:
    """Reached from `from_minor` on, in minor units, in any one of the currencies."""

    code: str
    name: Text
    from_minor: Mapping[str, int]

    def is_reached(self, assets: Mapping[str, int]) -> bool:
        return any(assets.get(currency, 0) >= least for currency, least in self.from_minor.items())


@dataclass(frozen=True)
class TierStandard:
    """The tiers, the highest first; see `standards.yaml`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    version: int
    author: str
    effective_from: date
    reason: str
    grace_days: int
    tiers: tuple[Tier, ...]

    def __post_init__(self) -> None:
        if len({tier.code for tier in self.tiers}) != len(self.tiers) or self.grace_days < 0:
            raise ValueError("every tier is described once, and the grace is no negative number of days")
        for higher, lower in zip(self.tiers, self.tiers[1:], strict=False):
            if any(higher.from_minor.get(currency, least + 1) <= least for currency, least in lower.from_minor.items()):
                raise ValueError(f"{higher.code} must be harder to reach than {lower.code}")

    def reached(self, assets: Mapping[str, int]) -> str | None:
        """The highest tier that the assets (minor units by currency) reach; None: none."""
        return next((tier.code for tier in self.tiers if tier.is_reached(assets)), None)

    def rank(self, code: str | None) -> int:
        """0 is the highest; without a tier, and with one that the standard no longer has, a customer is below all."""
        codes = [tier.code for tier in self.tiers]
        return codes.index(code) if code in codes else len(codes)

    def name(self, code: str) -> Text | None:
        return next((tier.name for tier in self.tiers if tier.code == code), None)


@dataclass(frozen=True, slots=True)
class TierState:
    """A customer's tier (None: none) since a business date. `below_since`: from when on the assets have not reached it."""

    tier: str | None
    since: date
    below_since: date | None = None


def review(state: TierState, reached: str | None, today: date, standard: TierStandard) -> TierState:
    """The state after a look at the assets: up at once, down when they have not reached the tier for the whole grace period."""
    if standard.rank(reached) < standard.rank(state.tier):
        return TierState(reached, today)
    if reached == state.tier:
        return replace(state, below_since=None)
    below_since = state.below_since or today
    if today >= ends_on(below_since, standard) or standard.rank(state.tier) == standard.rank(None):
        return TierState(reached, today)
    return replace(state, below_since=below_since)


def ends_on(below_since: date, standard: TierStandard) -> date:
    """The day on which a customer who stays below the tier loses it."""
    return below_since + timedelta(days=standard.grace_days)
