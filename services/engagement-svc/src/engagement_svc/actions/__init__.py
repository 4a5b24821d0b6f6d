"""Next best actions as they are worked on (S5): accepted or declined, carried by a task, concluded by what came of it.

Decisions
- scoring-svc recommends; what is done is decided here, where budget, consent and the RM's list are. An accepted action is a task.
- The standard says of each kind whether it may go past the contact budget, needs consent, ends by itself and may be declined. A matter
  of the customer's own (retention, service) goes past, stays until a contact answers it, and cannot be declined.
- An action is decided on once: its id is the key. Locks are taken in the order task, action, budget.
"""
