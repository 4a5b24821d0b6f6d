"""Outlets, staff and roles (C18, C4): the master of the directory that every service replicates from `directory.snapshots`."""
