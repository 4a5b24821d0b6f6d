"""`make run`: one command that starts the database, migrates it, and keeps the services' processes running on one machine.

It is for one machine, and for development and trials; in production the platform restarts processes (see `deploy/`).
"""
