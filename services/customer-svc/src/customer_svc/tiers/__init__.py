"""Tiers (客户分层, C11, slides 45, 46 and 89): what a customer's assets with us reach, by the bank's own standard.

A tier is reached at once and lost only after a grace period below it; every change is kept with its day and what it was judged by. Judged
are the balances that core banking last reported of open accounts: whoever reports one leaves the customer to the job (`queue`), in the
same transaction. There is no rate of exchange here: each currency has thresholds of its own, and the best of them counts.
"""
