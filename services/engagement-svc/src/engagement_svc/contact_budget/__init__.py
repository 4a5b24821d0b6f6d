"""The contact budget (C6, E2, S5): calls, visits, messages and machines share one limit per customer and period.

Decisions
- One row per customer and period holds what is used and what is reserved; taking from it is one statement that locks that row, so that
  no number of senders at once gets past the limit.
- The limit is what the customer has agreed to, else the standard's. Periods are fixed stretches of days counted from 0001-01-01, so
  every process names the same ones without asking. A changed length begins a new period.
- What must be said or has been said is never stopped: a duty reserves past the limit, a recorded contact spends past it. Both are
  counted as overdrawn.
- A reservation that nobody has settled expires with its period, which frees what it held and is told (`contact_reservation.expired`). A
  contact that was made is still confirmed afterwards: what happened counts.
- Locks are taken in this order: task, action, budget.
"""
