"""The book as its master keeps it (C13): the intervals of each customer, read and written. What may be decided is for `assignments`."""
