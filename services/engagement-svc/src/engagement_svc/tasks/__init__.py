"""Tasks, their clocks, and the RM's worklist (E3, E4).

Decisions
- A task ends only with the evidence that its type names (`standards.yaml`; the rules are `policy.CONTACT_RULES` and `policy.DEEDS`): a
  contact whose method, direction, purpose and result fit, a review, what was done about a complaint. There is no operation that sets a
  status. Only what an action brought may leave without evidence: when its ground is gone, and when it was an offer that was declined or
  has expired (`actions`). Every end is an event.
- What a standard no longer names is never dropped from it: open tasks are still ended and shown by their type.
- A task belongs to the customer, and so to whoever looks after the customer now: `owner_id` follows the book, and each list also
  checks the book, so that a hand-over orphans nothing and leaks nothing.
- The worklist is ordered by `rank_key`, stored when the task is opened (priority, then due time), so a page costs the same wherever it is.
- A clock keeps its zone and calendar version. Breach is found by a job, escalates to the lead, and is counted once.
"""
