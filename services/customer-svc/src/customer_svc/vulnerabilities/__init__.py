"""Customers who need particular care (易受损客户): opened with a reason and a review date, reviewed, resolved once.

Decisions
- While one is open nothing is sold to the customer. The review date says when somebody looks again, not when the hold ends: an overdue
  review holds too. So what is told outside is the earliest review date of those open, and nothing once none is.
- The reason and the resolution are sealed under the customer's data key, and shown by a permission of their own.
"""
