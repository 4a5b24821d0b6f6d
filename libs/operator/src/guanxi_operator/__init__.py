"""A whole bank on one host, and the checkout held against itself: the commands of `guanxi` that production does not have.

`guanxi run` starts the database, migrates it, and keeps the services' processes running. It is for development and trials; in production
the platform restarts processes (see `deploy/`).
"""
