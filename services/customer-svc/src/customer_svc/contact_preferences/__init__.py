"""How a customer wants to be contacted (C6): channels, quiet hours, how often, about what; each with when and how that was agreed.

The language is the file's own (`customers`); the time zone is the bank's.
"""
