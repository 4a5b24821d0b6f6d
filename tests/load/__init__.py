"""Measures the hot paths beside the peer a user would take instead and the limit of the same run. Ratios count; times do not."""
