"""engagement-svc: tasks and their clocks, the record of every contact, financial plans and their reviews."""
