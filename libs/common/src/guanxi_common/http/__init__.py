"""The HTTP edge: application factory, authenticated calls, problems, bodies, pagination, idempotency."""
