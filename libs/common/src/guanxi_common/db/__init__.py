"""PostgreSQL: one pool per process, one unit of work per use case, migrations, the embedded server."""
