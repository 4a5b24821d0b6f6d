"""What engagement-svc tells of contacts and plan reviews: each lowers (or raises) the retention risk by a stated contribution.

The contribution is fixed when the contact arrives, from the standards then in force, and kept with the interaction's id: the lineage
of the score names it.
"""
