"""Does core banking count the same postings as we do? Count and sum per source, day and currency.

A posting counts on its booking date with its amount; a reversal counts on its own booking date with the opposite amount, as in
core's books. Parked postings count: they are here. A reversal whose original has not come has no amount yet and is reported apart.

Beside each day stands whether scoring's ledger agrees with our postings, from the last comparison of their digests (D20): no service is
asked.
"""
