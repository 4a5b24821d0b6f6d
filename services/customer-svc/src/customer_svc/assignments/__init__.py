"""Who looks after whom (C13): primary RM and assistant of each customer, as intervals.

A customer always has exactly one primary interval that is valid now; without an RM its `staff_id` is null and the outlet's lead is
responsible. The first RM of a customer takes over at once, since nobody loses the customer. A later change is decided at least
five minutes before it takes effect, so that every service has heard of it and switches by the clock at the same moment. Until a minute
before, whoever could decide it can replace or cancel it.
"""
