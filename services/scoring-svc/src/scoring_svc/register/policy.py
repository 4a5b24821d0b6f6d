"""The names that models have, and the states of a version. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

RETENTION: Final = "retention"
RELATED_SALE: Final = "related_sale:"
"""Before a product's code it is the name of the product's models."""


class State(StrEnum):
    CANDIDATE = "candidate"
    BACK_TESTED = "back_tested"
    APPROVED = "approved"
    CHALLENGER = "challenger"
    ACTIVE = "active"
    RETIRED = "retired"


class Role(StrEnum):
    """What an approved version is put to: `champion` is what customers are scored by, `challenger` scores beside it."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"


ACTIVATED_AS: Final[Mapping[Role, State]] = {Role.CHAMPION: State.ACTIVE, Role.CHALLENGER: State.CHALLENGER}
MAY_BECOME: Final[Mapping[Role, frozenset[State]]] = {
    Role.CHAMPION: frozenset({State.APPROVED, State.CHALLENGER}),
    Role.CHALLENGER: frozenset({State.APPROVED}),
}
STEPS_DOWN_TO: Final[Mapping[Role, State]] = {Role.CHAMPION: State.RETIRED, Role.CHALLENGER: State.APPROVED}
"""What becomes of the version that is replaced: a challenger that lost its place may come back."""
