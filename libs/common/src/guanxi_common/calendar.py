"""The bank's business calendar and the arithmetic of its clocks.

A business day is the 24 hours of a local date that is one. Weekends, public holidays and the make-up workdays (调休) that are
worked in exchange come from the `holidays` package, which follows the State Council's notices; the bank's own table overrides
them day by day. Only the hours of business days count on a clock, so that "48 hours" from Friday 15:00 end on Tuesday 15:00.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from importlib.metadata import version
from typing import Final
from zoneinfo import ZoneInfo

import holidays
from holidays.countries.china import ChinaStaticHolidays

DEFAULT_ZONE: Final = "Asia/Shanghai"
ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CalendarOverrides:
    """The bank's own days, as data: they win over the public calendar.

    `published_years` are years whose make-up workdays the bank has entered itself, ahead of the library. `version` changes with
    every edit.
    """

    version: str
    closed: frozenset[date] = frozenset()
    open: frozenset[date] = frozenset()
    published_years: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if self.closed & self.open:
            raise ValueError("a day is both closed and open")


NO_OVERRIDES: Final = CalendarOverrides("none")


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a clock ends, with what is needed to compute it again.

    `provisional`: the clock runs through a year whose make-up workdays were not published in `calendar_version`.
    """

    due_at: datetime
    zone: str
    calendar_version: str
    provisional: bool


class BusinessCalendar:
    """Business days of one country in one time zone. Immutable, and safe to share between threads.

    Instants are aware datetimes; a naive one raises `ValueError`. What is returned is UTC.
    """

    def __init__(self, *, country: str = "CN", zone: str = DEFAULT_ZONE, overrides: CalendarOverrides = NO_OVERRIDES) -> None:
        self.country = country
        self.zone = zone
        self.overrides = overrides
        self.version = f"{country}:holidays-{version('holidays')}:{overrides.version}"
        self._zone = ZoneInfo(zone)
        self._years: dict[int, frozenset[date]] = {}

    def local_time(self, instant: datetime) -> datetime:
        """What the clock on the wall in the business zone shows: a naive datetime."""
        if instant.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return instant.astimezone(self._zone).replace(tzinfo=None)

    def local_date(self, instant: datetime) -> date:
        """The calendar date of the instant in the business zone, a business day or not."""
        return self.local_time(instant).date()

    def is_business_day(self, day: date) -> bool:
        return day in self._business_days(day.year)

    def business_day(self, instant: datetime) -> date:
        """The business day to which the instant belongs: its local date, or the next business day after a day off."""
        return self.add_business_days(self.local_date(instant), 0)

    def next_business_day(self, day: date) -> date:
        """The first business day after `day`."""
        return self.add_business_days(day, 1)

    def add_business_days(self, day: date, count: int) -> date:
        """The `count`-th business day after `day` (before it, if negative); 0 gives `day` itself or the next business day."""
        step = ONE_DAY if count >= 0 else -ONE_DAY
        if count == 0:
            while not self.is_business_day(day):
                day += step
        for _ in range(abs(count)):
            day += step
            while not self.is_business_day(day):
                day += step
        return day

    def business_days_between(self, start: date, end: date) -> int:
        """How many business days lie after `start` and not after `end`; negative if `end` comes first."""
        if end < start:
            return -self.business_days_between(end, start)
        days = (self._business_days(year) for year in range(start.year, end.year + 1))
        return sum(1 for year_days in days for day in year_days if start < day <= end)

    def start_of_day(self, day: date) -> datetime:
        """Midnight at the beginning of the local date."""
        return self._instant(datetime.combine(day, time.min))

    def end_of_business_day(self, day: date) -> datetime:
        """The midnight that ends the business day `day` (after a day off: that ends the next business day).

        This is the wall clock's end. Where core banking says `business_day.closed`, that is the end.
        """
        return self.start_of_day(self.add_business_days(day, 0) + ONE_DAY)

    def deadline(self, start: datetime, span: timedelta) -> Deadline:
        """The end of a clock of `span` that starts at `start` and runs on business days only.

        24 hours are one business day at the same local time, whatever the daylight-saving change between. A start on a day off
        rolls forward to the beginning (00:00) of the next business day, so 48 hours from a Saturday end on Wednesday 00:00, which
        is when Tuesday ends. A clock never ends on a day off.
        """
        if span < timedelta(0):
            raise ValueError("a clock does not run backwards")
        local = self.local_time(start)
        first = local.date()
        if not self.is_business_day(first):
            local = datetime.combine(self.add_business_days(first, 0), time.min)
        midnight = datetime.combine(local.date(), time.min)
        days, rest = divmod(local - midnight + span, ONE_DAY)
        due_local = datetime.combine(self.add_business_days(local.date(), days), time.min) + rest
        provisional = any(self.is_provisional(year) for year in range(first.year, due_local.year + 1))
        return Deadline(self._instant(due_local), self.zone, self.version, provisional)

    def is_provisional(self, year: int) -> bool:
        """Whether the year's make-up workdays are not published yet; only China has such days."""
        if self.country != "CN" or year in self.overrides.published_years:
            return False
        return year > max(ChinaStaticHolidays.special_public_holidays)

    def provisional_years(self, days: Iterable[date]) -> tuple[int, ...]:
        """The years among `days` that will have to be computed again, ascending."""
        return tuple(sorted({day.year for day in days if self.is_provisional(day.year)}))

    def _business_days(self, year: int) -> frozenset[date]:
        found = self._years.get(year)
        if found is None:
            found = self._years[year] = frozenset(self._compile(year))
        return found

    def _compile(self, year: int) -> Iterable[date]:
        # The following year too: its notice may move a day across New Year.
        public = holidays.country_holidays(self.country, years=[year, year + 1], expand=False)
        day = date(year, 1, 1)
        while day.year == year:
            works = day not in self.overrides.closed and (day in self.overrides.open or public.is_working_day(day))
            if works:
                yield day
            day += ONE_DAY

    def _instant(self, local: datetime) -> datetime:
        return local.replace(tzinfo=self._zone).astimezone(UTC)
