"""customer-svc: customer files, the directory, who looks after whom, accounts, and the intake of postings from core banking."""
