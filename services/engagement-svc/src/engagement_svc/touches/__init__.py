"""Touches: the contacts that nobody has to ask for, a birthday and a call before the customer has heard nothing for too long (D4).

Decisions
- engagement-svc plans every contact for its own sake; scoring-svc recommends what needs a score. Until the contact planner stands, a
  touch opens by two rules (`policy`), once an occasion.
- A touch is carried as an action is: a task, a contact set aside from the budget, declined and expired like an offer. Its id follows from
  customer and occasion, so what is found twice is one touch. What scoring-svc recommended for the same occasion counts as the touch.
- Once a business day one pass goes through all customers in the order of their ids, a chunk a transaction; `touch_pass` says how far it is.
  Whoever becomes known or changes meanwhile is looked at with the snapshot. A customer whose touch fails is named in the log and looked
  at again with the next pass.
"""
