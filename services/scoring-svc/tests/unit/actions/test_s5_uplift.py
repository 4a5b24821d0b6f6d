"""S5: the uplift report on a simulated book whose uplift is known, beside a response-only ranking and a one-column rule."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scoring_svc.actions.uplift import Difference, Share, difference, wilson

SEGMENTS = {"sure": (0.90, 0.00), "open": (0.55, 0.20), "lost": (0.15, 0.01), "angered": (0.70, -0.10)}
"""Probability to stay without a contact, and what a contact adds to it. The sure ones respond best and need no contact."""
SHARES = (0.35, 0.25, 0.25, 0.15)
TRUE_UPLIFT = sum(share * uplift for share, (_, uplift) in zip(SHARES, SEGMENTS.values(), strict=True))


@dataclass
class Book:
    """Customers with a segment, a balance that follows the baseline, a group and an outcome."""

    segment: list[str]
    balance: list[float]
    treated: list[bool]
    stayed: list[bool]


def simulate(customers: int, hold_out: float, seed: int) -> Book:
    chance = np.random.default_rng(seed)
    names = list(SEGMENTS)
    segment = [names[index] for index in chance.choice(len(names), size=customers, p=SHARES)]
    treated = chance.random(customers) >= hold_out
    stays = np.array([SEGMENTS[name][0] + SEGMENTS[name][1] * told for name, told in zip(segment, treated, strict=True)])
    balance = np.array([SEGMENTS[name][0] for name in segment]) + chance.normal(0, 0.05, customers)
    return Book(segment, balance.tolist(), treated.tolist(), (chance.random(customers) < stays).tolist())


def report(book: Book) -> Difference:
    arms: dict[bool, list[bool]] = defaultdict(list)
    for told, stayed in zip(book.treated, book.stayed, strict=True):
        arms[told].append(stayed)
    found = difference(Share(sum(arms[True]), len(arms[True])), Share(sum(arms[False]), len(arms[False])))
    assert found is not None
    return found


def test_s5_the_interval_covers_the_known_uplift_as_often_as_it_says() -> None:
    covered = sum(found.low <= TRUE_UPLIFT <= found.high for found in (report(simulate(1_500, 0.1, seed)) for seed in range(300)))
    assert covered / 300 == pytest.approx(0.95, abs=0.035)


def test_s5_with_a_large_book_the_report_finds_the_uplift_and_that_it_is_no_chance() -> None:
    found = report(simulate(60_000, 0.1, 7))
    assert found.value == pytest.approx(TRUE_UPLIFT, abs=0.02)
    assert found.low > 0


def test_s5_a_response_only_ranking_and_a_one_column_rule_spend_contacts_on_those_who_stay_anyway() -> None:
    learnt_from = simulate(40_000, 0.2, 1)

    def rate(segment: str, *, told: bool) -> Share:
        rows = [
            stayed
            for name, was_told, stayed in zip(learnt_from.segment, learnt_from.treated, learnt_from.stayed, strict=True)
            if (name, was_told) == (segment, told)
        ]
        return Share(sum(rows), len(rows))

    response = {name: rate(name, told=True).value for name in SEGMENTS}
    uplift = {name: response[name] - rate(name, told=False).value for name in SEGMENTS}
    fresh = simulate(20_000, 0.0, 2)

    def gained(score: Callable[[int], float]) -> float:
        """True uplift per contact where a quarter of the book is contacted, the highest scores first."""
        first = sorted(range(len(fresh.segment)), key=score, reverse=True)[: len(fresh.segment) // 4]
        return sum(SEGMENTS[fresh.segment[index]][1] for index in first) / len(first)

    by_uplift = gained(lambda index: uplift[fresh.segment[index]])
    by_response = gained(lambda index: response[fresh.segment[index]])
    by_balance = gained(lambda index: fresh.balance[index])
    assert by_uplift > 0.18
    assert by_response < 0.02
    assert by_balance < 0.02


def test_s5_the_published_example_of_the_interval_comes_out() -> None:
    """Newcombe 1998, table II, example (a): 56/70 - 48/80, method 10."""
    found = difference(Share(56, 70), Share(48, 80))
    assert found is not None
    assert (round(found.value, 4), round(found.low, 4), round(found.high, 4)) == (0.2, 0.0524, 0.3339)


def test_s5_an_empty_group_gives_no_figure_and_a_share_stays_between_0_and_1() -> None:
    assert difference(Share(0, 0), Share(1, 2)) is None
    assert wilson(Share(0, 3))[0] == 0.0
    assert wilson(Share(3, 3))[1] == 1.0
