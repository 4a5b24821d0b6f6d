"""The record of every contact (E1): how, when, what, with what result, and what it did to the relationship.

Recording a contact that happened never fails for a rule about contacts. It ends the customer's open tasks whose kind it fits (`tasks`):
those for its purpose, or those that it names in `answers`. Naming a task that it cannot end is refused, so that nobody believes a duty
done. The answer says which were ended.
"""
