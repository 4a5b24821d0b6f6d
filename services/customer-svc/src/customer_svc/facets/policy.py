"""Which facets there are."""

from enum import StrEnum


class Facet(StrEnum):
    """What is told of a customer together. A customer who was never classified has no classification; every other facet is always there."""

    FILE = "file"
    AGREEMENTS = "agreements"
    CLASSIFICATION = "classification"
    BOOK = "book"


AT_REGISTRATION = (Facet.FILE, Facet.AGREEMENTS, Facet.BOOK)
"""What a new customer has. Without the agreements nobody could know whether they were empty or late."""
