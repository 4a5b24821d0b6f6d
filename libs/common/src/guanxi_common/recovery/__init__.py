"""After a database was restored or lost: a new epoch, the owner's snapshots published anew, replicas rebuilt from the bus (ADR 37)."""
