"""Each rule of the event fabric removed in turn: a test must notice. `python -m tests.mutants` (make mutants)."""
