"""Moves between RFM groups as a caller sees them."""

from datetime import date

from guanxi_common.http.bodies import Answer


class RfmGroupOut(Answer):
    """A named part of the 125 cells."""

    code: str
    zh: str
    en: str


class RfmMoveOut(Answer):
    """So many customers were in one group on the first date and in the other on the second."""

    from_group: str
    to_group: str
    customers: int


class RfmMatrixOut(Answer):
    """The moves in one currency. `bounds_origin` names the bounds, which are the same on both dates: the book run or the standard."""

    currency: str
    bounds_origin: str
    customers: int
    moves: list[RfmMoveOut]


class RfmMigrationOut(Answer):
    """Who moved between two dates, among the customers whom the caller may see.

    A customer with acts in two currencies counts in each; one without an act in both windows counts in none. Moves that nobody made
    are left out. `without_bounds`: currencies in which there were acts, but no bounds are in force.
    """

    from_date: date
    to_date: date
    window_days: int
    standard_version: int
    groups: list[RfmGroupOut]
    matrices: list[RfmMatrixOut]
    without_bounds: list[str]
