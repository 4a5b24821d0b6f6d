"""Telling a consumer that has silently stopped from one that has nothing to read. Pure; time is passed in, in seconds."""

from collections.abc import Mapping

from guanxi_common.messaging.bus import TopicPartition

_LONGEST = 32  # times the limit


class StallWatch:
    """A partition is stalled when its position has stood still for `limit` seconds below its end.

    Each restart doubles the limit, up to 32-fold, until nothing is behind: an end that can never be reached (transaction markers,
    a compacted tail) must not keep a group rebalancing.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._patience = limit
        self._since: dict[TopicPartition, tuple[int, float]] = {}

    def stalled(
        self, positions: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int], now: float
    ) -> set[TopicPartition]:
        """Take note of where the partitions are; returns those that are stalled."""
        behind = {at for at, position in positions.items() if position < ends[at]}
        if not behind:
            self._patience = self._limit
        for at in list(self._since):
            if at not in behind or self._since[at][0] != positions[at]:
                del self._since[at]
        for at in behind:
            self._since.setdefault(at, (positions[at], now))
        return {at for at, (_, since) in self._since.items() if now - since >= self._patience}

    def restarted(self) -> None:
        self._since.clear()
        self._patience = min(self._patience * 2, self._limit * _LONGEST)
