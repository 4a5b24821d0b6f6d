"""The bank's procedures, as data (X5, D6): what every service goes by, changed by two people and without a release.

Decisions
- This slice keeps every kind of all services, by the catalogue of `guanxi_contracts`. It checks a body by the kind's schema, and one of
  customer-svc's own kinds by its rules as well.
- A change is a proposal. Somebody else approves it, under the rules of directory proposals (D19); then it is a version, with the next
  number, and travels as `standard.snapshot`. A version is never edited, taken back or removed: another one follows it.
- It counts from an instant on that lies at least the notice after the approval, so that every process knows it by then.
- What ships with the package is adopted once. A newer version of a package is a proposal like any other, of nobody in the bank.
- Proposals and versions follow one another under a lock of their own, taken after the directory's.
"""
