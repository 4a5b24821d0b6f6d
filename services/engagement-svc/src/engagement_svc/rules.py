"""What the use cases of engagement-svc go by."""

from dataclasses import dataclass

from guanxi_common.calendar import BusinessCalendar

from engagement_svc.standards import Standards


@dataclass(frozen=True, slots=True)
class Rules:
    """The standards in force, and the calendar by which their clocks run."""

    standards: Standards
    calendar: BusinessCalendar
