"""What is known of a customer on a business date, from every replica, as related sales and actions look at it (S4, S5)."""
