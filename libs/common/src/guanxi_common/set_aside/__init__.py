"""Queues in which an item fails alone (D18): tried with the others, then by itself, then set aside with its reason.

Decisions
- A job works its batch under a savepoint. If that fails for good, each item is worked again under a savepoint of its own, in the same
  transaction: the others are done, the item that fails stays on its queue.
- A failure is noted beside the queue, never in it: whoever puts the item on the queue again (a posting comes) need not know of it. Until
  the time of the next try, and for good once it is set aside, `take` passes the item over, so that it does not block the head.
- What concerns everybody is not an item's: a database that is away, a deadlock, a lost race end the job's run, and nothing is counted. A
  statement's time-out counts where the others of the batch got through, or the item was alone; where the whole batch ran out of time all
  of them are postponed and nothing is counted, so that they come back one by one.
- Success removes what was noted. An operator sees the items, and has one tried again (`/v1/<service>/set-aside-items`).
"""

from guanxi_common.set_aside.policy import USUAL, Patience, Whose, whose
from guanxi_common.set_aside.repository import not_set_aside, not_set_aside_sql, passed_over
from guanxi_common.set_aside.routes import routes
from guanxi_common.set_aside.service import note_failed, try_each, watch, work_off

__all__ = [
    "USUAL",
    "Patience",
    "Whose",
    "not_set_aside",
    "not_set_aside_sql",
    "note_failed",
    "passed_over",
    "routes",
    "try_each",
    "watch",
    "whose",
    "work_off",
]
