"""Instants as every edge takes them.

Dates near the ends of `datetime` raise when they are converted (9999-12-31T23:59:59-08:00 is of the year 10000 in UTC), here or in
the driver, long after they were accepted.
"""

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime

EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
BEYOND: Final = datetime(2201, 1, 1, tzinfo=UTC)
_EARLIEST_MS: Final = int(EARLIEST.timestamp() * 1000)
_BEYOND_MS: Final = int(BEYOND.timestamp() * 1000)
_OUTSIDE: Final = "an instant lies in the years 1900 to 2200"


def bounded(instant: datetime) -> datetime:
    """The instant in UTC. Raises `ValueError` for one without a time zone, or outside of the years 1900 to 2200 in UTC."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    try:
        instant = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    except OverflowError:
        raise ValueError(_OUTSIDE) from None
    if not EARLIEST <= instant < BEYOND:
        raise ValueError(_OUTSIDE)
    return instant


def from_milliseconds(milliseconds: int) -> datetime:
    """The instant of a count since 1970. Raises `ValueError` as `bounded`."""
    if not _EARLIEST_MS <= milliseconds < _BEYOND_MS:
        raise ValueError(_OUTSIDE)
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def is_bounded(instant: datetime) -> bool:
    """Whether `bounded` takes it."""
    try:
        bounded(instant)
    except ValueError:
        return False
    return True


Instant = Annotated[AwareDatetime, AfterValidator(bounded)]
"""An instant in a body or a query: of any time zone there, in UTC here."""
