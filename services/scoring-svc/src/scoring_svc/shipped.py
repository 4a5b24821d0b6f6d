"""By what the service scores: its kinds of standards, and the classes of activity."""

from datetime import UTC, datetime
from typing import Final

from guanxi_common.calendar import BusinessCalendar
from guanxi_common.standards import Register

from scoring_svc.kinds import KINDS
from scoring_svc.ledger.policy import load_activity_classes
from scoring_svc.method import Method, Methods

_WHEN_ALL_HAVE_BEGUN: Final = datetime(2200, 1, 1, tzinfo=UTC)


def load_methods(calendar: BusinessCalendar) -> Methods:
    """What ships, until the process has read the bank's versions."""
    return Methods(Register(KINDS, calendar), [load_activity_classes()])


def load_method(calendar: BusinessCalendar) -> Method:
    """The newest version of everything that ships, for commands and measurements on files."""
    return load_methods(calendar).at(_WHEN_ALL_HAVE_BEGUN)
