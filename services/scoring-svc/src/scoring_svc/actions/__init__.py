"""The next best action (S5): the right customer, channel, time, content and price, with its reason, its expiry and its probability.

A raised signal becomes an action in the same transaction; everything else is planned, customer by customer, on events and once a day.
"""
