"""What waits: customers to be scored again (`rescoring`), customers to be planned anew (`planning`).

Whoever learns something of a customer marks it here, in the transaction in which it learns it. This is the one place that knows the rows
and what becomes of one that is there already.
"""
