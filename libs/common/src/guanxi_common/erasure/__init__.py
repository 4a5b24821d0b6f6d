"""Erasing a customer (D8, D20): the list outside the databases, what each service's tables do, and playing the list again."""
