"""Data keys: one per customer, in a store of their own, so that destroying a key erases all that was sealed under it."""
