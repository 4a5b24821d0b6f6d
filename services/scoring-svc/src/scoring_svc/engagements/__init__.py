"""What engagement-svc tells: contacts and plan reviews, complaints and survey answers.

A contact lowers (or raises) the retention risk by a stated contribution. It is fixed when the contact arrives, from the standards then in
force, and kept with the interaction's id: the lineage of the score names it.
"""
