"""scoring-svc: the ledger of postings, and what it says of each customer: RFM, lifetime, retention risk, signals."""
