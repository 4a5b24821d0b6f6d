"""The job by which tasks follow the book."""

from datetime import UTC, datetime, timedelta
from typing import Final

from guanxi_common.work import Work

from engagement_svc.tasks import following

OVERLAP: Final = timedelta(minutes=10)
"""Longer than any transaction: an interval stored while a task was being opened is looked at again."""


class FollowTheBook:
    """Everything at the start of the process, then what the clock has made effective."""

    def __init__(self) -> None:
        self._followed_until = datetime.min.replace(tzinfo=UTC)

    async def __call__(self, work: Work) -> int:
        moved = await following.follow_the_book_since(work.uow, work.now, self._followed_until)

        async def advance() -> None:
            self._followed_until = work.now - OVERLAP

        work.uow.after_commit(advance)
        return moved
