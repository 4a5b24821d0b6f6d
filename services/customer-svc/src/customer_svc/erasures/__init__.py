"""Erasing a customer: the one use case that cannot be undone.

- What is kept: accounts and postings, which add up to the bank's own books and name nobody any more; the audit log, which holds ids and
  field names, with reasons under the destroyed key; the customer's row without a value, to which they refer.
- The line on the list of erasures is the decision. Key, rows and events follow in the same transaction; where a kill comes between, the
  process's `ErasureWatch` does them within a minute.
- A customer with an open account is refused: the bank still owes it a file. A complaint stays with engagement-svc, without its words.
"""
