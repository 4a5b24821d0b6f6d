"""The append-only ledger and its daily aggregates (S1, S6): exact under late, duplicate and reversed postings.

Decisions
- The ledger's key (customer, entry) is the dedupe: the fold pays for no inbox. The same entry with other content is a dead letter.
- A reversal is a row of its own, never an update, so what was known at any instant (`known_at`) can be read back.
- Aggregates are per customer, business day, currency and activity class. They are sums, so the order of events does not matter; a day
  whose count returns to zero is deleted, so that a reversed posting leaves no trace in them. A day's sum saturates at `SUM_LIMIT` and is
  counted anew from the entries when a reversal takes something from it (ADR 34).
- Core banking's balances are kept beside the entries, one row a report and account, and never added into the aggregates: a late posting
  moves what they imply. What they add to the entries is reckoned when days are read, here and nowhere else (`read_days`).
- Every customer touched is marked dirty in the same transaction; the job of `scores.service` does the rest.
"""
