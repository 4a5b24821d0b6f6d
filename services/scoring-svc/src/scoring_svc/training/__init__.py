"""Training, judging and keeping models of a yes-or-no outcome on a table of columns (S3, S4, S6), and uplift reports (S5)."""
