"""The record of every contact (E1): how, when, what, with what result, and what it did to the relationship.

Recording a contact that happened never fails for a rule about contacts. A contact closes the customer's open tasks that a contact can
close, if its result counts and it came after the task; `task_ids` narrows that to some of them, and the answer says which were ended.
"""
