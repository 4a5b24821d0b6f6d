"""Rounds, medians and ratios. Contenders take turns, so that a machine whose speed drifts is slow for all of them alike."""

import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Timed:
    """Work whose preparation is no part of it: the units, and the seconds that they took."""

    units: int
    seconds: float


Contender = Callable[[], Awaitable[int | Timed]]
"""Does a piece of work and returns how many units it was."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Units per second of each contender, one value a round, in the same order."""

    rates: Mapping[str, tuple[float, ...]]

    def median(self, name: str) -> float:
        return statistics.median(self.rates[name])

    def ratio(self, name: str, other: str) -> tuple[float, float, float]:
        """Median, least and greatest of the rounds' ratios of `name` to `other`."""
        ratios = [ours / theirs for ours, theirs in zip(self.rates[name], self.rates[other], strict=True)]
        return statistics.median(ratios), min(ratios), max(ratios)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report. `ratio` is (median, least, greatest) of ours to `against`; `met` None: no target was set."""

    path: str
    figure: str
    against: str
    ratio: tuple[float, float, float]
    target: str
    met: bool | None


async def take_turns(contenders: Mapping[str, Contender], *, rounds: int = ROUNDS) -> Figures:
    """Run every contender once to warm up, then `rounds` times in turn."""
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, work in contenders.items():
            began = time.perf_counter()
            done = await work()
            if isinstance(done, int):
                done = Timed(done, time.perf_counter() - began)
            if number:
                rates[name].append(done.units / done.seconds)
    return Figures({name: tuple(values) for name, values in rates.items()})


def row(path: str, figures: Figures, other: str, unit: str, target: float | None, ours: str = "ours") -> Row:
    """The line that compares ours with `other`; `target` is the least ratio."""
    ratio = figures.ratio(ours, other)
    figure = f"{_human(figures.median(ours))} against {_human(figures.median(other))} {unit}"
    return Row(path, figure, other, ratio, f"≥ {target:g}×" if target else "–", ratio[0] >= target if target else None)


def _human(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.2f}"
