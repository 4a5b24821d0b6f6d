"""Rate limits per caller and class of operation.

The generic cell rate algorithm (ITU-T I.371) on the notation of `limits`: a burst up to the whole limit, then evenly. Its memory
store is not used: it starts a thread every 10 ms and walks all keys in it. Counts are per process; N processes allow N times.
"""

from collections.abc import Mapping
from math import ceil
from time import monotonic

from limits import parse

from guanxi_common.errors import TooManyRequests

_MAX_CALLERS = 50_000


class RateLimiter:
    """`check` is O(1) and never blocks. Memory is bounded: callers whose allowance is full again are forgotten."""

    def __init__(self, rates: Mapping[str, str]) -> None:
        self._rates = {}
        for name, notation in rates.items():
            rate = parse(notation)
            self._rates[name] = (rate.get_expiry() / rate.amount, float(rate.get_expiry()))
        self._arrivals: dict[tuple[str, str], float] = {}

    def check(self, rate: str, caller: str, now: float | None = None) -> None:
        """Count one request of `caller`; raises `TooManyRequests`. `now` is in seconds of any steady clock."""
        moment = monotonic() if now is None else now
        interval, window = self._rates[rate]
        arrival = max(self._arrivals.get((rate, caller), 0.0), moment)
        wait = arrival + interval - window - moment
        if wait > 1e-9:
            raise TooManyRequests(headers={"Retry-After": str(ceil(wait))})
        self._arrivals[rate, caller] = arrival + interval
        if len(self._arrivals) > _MAX_CALLERS:
            self._arrivals = {key: until for key, until in self._arrivals.items() if until > moment}
