"""Complaints, thin (E10): opened, read, acknowledged to the customer, resolved with an outcome. From opening to resolution scoring-svc
holds selling to the customer.

A complaint opens two tasks in its own transaction: to tell the customer that it was received, and to decide. Only what is done about the
complaint ends them (`:acknowledge`, `:resolve`), and a contact never does. Locks are taken in the order complaint, task.
"""
