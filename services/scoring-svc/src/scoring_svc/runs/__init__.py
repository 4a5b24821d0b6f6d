"""Book runs: fit the lifetime model and freeze the quintile bounds over the whole book as of one business date (S1, S2), and score
everybody anew in columns, from table to table (`book`, `rows`, `exchange`; ADR 29).

A fit that is degenerate or does not converge is refused with its reason, and the last good model stays active. A run is asked for over
HTTP, done by the worker step by step, and can be watched and cancelled.
"""
