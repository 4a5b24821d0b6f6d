"""The customer file (C1): register, read, change, search. Identity and contact points are encrypted field by field (C5)."""
