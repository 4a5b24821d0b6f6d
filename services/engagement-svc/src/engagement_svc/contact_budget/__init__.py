"""The contact budget (C6, D5, E2, S5): calls, visits, messages and machines share one limit per customer.

Decisions
- The ledger has one row for each contact that counts: set aside for a date, or made on it. `marketing` and `care` count; `service`, the
  customer's own matter, neither needs nor uses a contact.
- "At most n in d days" holds for every window of d days. The limit is read when it is needed, so that a changed one is judged over the
  same ledger and frees nobody who was contacted.
- A contact set aside for several days takes the earliest that fits. Once that day has passed unused, it counts on the present day:
  the contact can happen no earlier.
- What has happened counts on its day, past the limit too. The latest contacts set aside then give way, and their owners learn it
  (`contact_reservation.cancelled`).
- A withdrawal of consent cancels what was set aside for that purpose and channel, in the transaction that applies it. Whoever had made
  the contact before still confirms it: what happened counts.
- Locks are taken in this order: the customer's row of `contact_account`, tasks, actions, reservations. Whoever adds to the ledger
  holds the first; to give up a reservation needs the last alone.
"""
