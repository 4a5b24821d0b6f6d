"""Break-glass (应急访问): reading a customer beyond one's rows, for a reason and a limited time, told at once and reviewed afterwards.

- It opens reading and nothing else: `RowScope.opened` holds for permissions of the form `….read`.
- It is asked for by persons, one customer at a time, and at most `policy.MOST_OPEN` are open to somebody at once.
- Whoever opened it never reviews it. The customer's lead does, or compliance.
- It holds in customer-svc alone; see docs/adr/0060.
"""
