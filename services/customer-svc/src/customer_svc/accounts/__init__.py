"""Accounts as core banking reports them (C9): opened, closed, balance. An account belongs to its primary holder."""
