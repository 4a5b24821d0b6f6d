"""Who calls, what they may do and over which rows; field encryption; the audit log."""
