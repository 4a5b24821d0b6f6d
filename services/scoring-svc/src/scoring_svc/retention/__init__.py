"""Retention risk (S3): how likely a customer is to leave, with reasons in words."""
