"""What a customer's postings add up to (S1): by window, currency, product and activity class, on any day, as known at any instant."""
