"""Backups of a deployment's databases, and restoring them: one moment for all databases, a manifest that says what each must hold.

The databases are dumped from snapshots taken within the same moment, consumers before the owners whose events they read and the log
last, so that no restored consumer knows more than its owner and every missing event is still in the log. Key backups lie in a folder
of their own and live at most thirty days, because each brings back the keys destroyed since (ADR 38).
"""
