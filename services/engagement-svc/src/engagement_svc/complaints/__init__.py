"""Complaints, thin (E10): opened, read, resolved with an outcome. Between the two events scoring-svc holds selling to the customer."""
