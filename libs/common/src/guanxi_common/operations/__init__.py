"""Operations (D9): work that outlasts its request. Started by a request, done by a worker step by step, watched, cancelled, resumed.

Decisions
- A step is one transaction: its effects, the checkpoint from which the next step goes on and the counts are kept together or not at all.
- Whoever does a step holds the operation's lock of that transaction. The lock ends with the transaction, so a killed worker leaves the step
  to the next at once, and a worker that was cut off cannot commit any more: two workers never do the same step (ADR 58).
- The row itself is not locked by the step. Progress is shown, and an operation cancelled, while a step is under way: the step finds that at
  its end, and is undone. What earlier steps did stays, and `rows_done` says how far they came.
- A `DomainError` of a step ends the operation with its code and texts. Any other failure of its own is tried again, three times in all.
  What concerns everybody (a database that is away) is nobody's failure and counts for nothing.
- The starter sees and cancels the own operations; others need the permission over the whole bank.
"""

from guanxi_common.operations.policy import Ended, Moved, RowError
from guanxi_common.operations.repository import Operation
from guanxi_common.operations.routes import accepted, routes
from guanxi_common.operations.service import Start, start
from guanxi_common.operations.worker import Kind, Step, housekeeping, operation_jobs

__all__ = [
    "Ended",
    "Kind",
    "Moved",
    "Operation",
    "RowError",
    "Start",
    "Step",
    "accepted",
    "housekeeping",
    "operation_jobs",
    "routes",
    "start",
]
