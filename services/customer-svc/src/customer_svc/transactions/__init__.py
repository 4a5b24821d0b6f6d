"""Intake of postings from core banking, over HTTP and from `bank.inbound.transactions`, by the same code.

Decisions
- The key of a posting is (account, external id), and `account_id` is derived from source and account number. The primary key does
  the deduplication: one sorted `INSERT … ON CONFLICT DO NOTHING` a batch, so batches never deadlock and are idempotent per item.
- A reversal names its original. One that comes first leaves an `awaited` placeholder under the original's key, so the unique index
  serialises the two however they race; the original then arrives already reversed.
- The outcome never depends on the order of arrival (D12). A reversal that names a reversal is refused, whichever of the two comes first;
  of two reversals of one posting the one booked first counts. So a reversal that was taken or held may be refused later; its row stays
  as `refused`, and the refusal is listed under `/v1/inbound-rejections`. Of two contents of one id the first stands: it is told.
- A posting to an unknown account is kept as `parked` and released when the account is opened. Parking and opening take the same
  advisory lock, so neither can miss the other.
"""
