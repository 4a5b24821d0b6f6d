"""The customer as the other services replicate it, made in this one place from what each slice holds of the customer.

The slices know each other by nothing else. `customers.changes` says how a change of one of them reaches the snapshot.
"""
