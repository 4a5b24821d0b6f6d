"""The customer as the other services replicate it, made in this one place from what each slice holds of the customer.

A slice that changes what a snapshot tells locks the customer's row (`service.lock_customer`), stores its change, and hands its facts to
`service.tell_changes`. It asks no other such slice, and none asks it: they meet only here.
"""
