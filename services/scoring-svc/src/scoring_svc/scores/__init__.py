"""Scores: what the ledger and the contacts say of a customer on a business date (S1, S2, S3, S6).

Decisions
- A score is a pure function of daily aggregates, contacts, standards and the active models, so a recomputation gives the same bytes.
  `as_of` is a business date seen with present knowledge; with `known_at` the ledger answers instead of the aggregates.
- The fold and the contacts only mark customers dirty. The scorer takes dirty customers in small batches, scores them, raises signals
  and publishes, all in one transaction; a customer touched meanwhile stays dirty.
- What is *absent* (dormancy, a salary that stays away) is judged once a business day, as of the date that the feed has reached, and only
  when nothing was posted for the customer for fifteen seconds: while a feed catches up, everybody it has not reached yet looks silent.
  (Seen on the sandbox: 13 postings in 90 days, and a task "no act for 112 days", raised between two batches.)
- `score.updated` goes out only when the band or the main reason changes.
- A score speaks one currency, the one of most entries in the last year; the others are named and left out.
"""
