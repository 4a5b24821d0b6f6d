"""What recommending is worth: the treated beside the held-out, with a confidence interval. Pure.

The interval of a difference of two proportions is Newcombe's (Statistics in Medicine 17, 1998, method 10), made of two Wilson score
intervals: it keeps its level with small groups and shares near 0 or 1, where the usual one does not.
"""

from dataclasses import dataclass
from math import sqrt

Z_95 = 1.959964


@dataclass(frozen=True, slots=True)
class Share:
    """`successes` of `of`."""

    successes: int
    of: int

    @property
    def value(self) -> float:
        return self.successes / self.of if self.of else 0.0


@dataclass(frozen=True, slots=True)
class Difference:
    """Treated minus held-out, with the bounds of its 95 % interval; None where a group is empty."""

    value: float
    low: float
    high: float


def wilson(share: Share, z: float = Z_95) -> tuple[float, float]:
    """The Wilson score interval of a share; the group is not empty."""
    n, p = share.of, share.value
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def difference(treated: Share, held_out: Share) -> Difference | None:
    """By how much more of the treated reached the outcome."""
    if not treated.of or not held_out.of:
        return None
    (low_1, high_1), (low_2, high_2) = wilson(treated), wilson(held_out)
    p, q = treated.value, held_out.value
    return Difference(
        p - q, p - q - sqrt((p - low_1) ** 2 + (high_2 - q) ** 2), p - q + sqrt((high_1 - p) ** 2 + (q - low_2) ** 2)
    )
