"""Pure rules of complaints: the duties that one brings."""

from typing import Final
from uuid import UUID

from engagement_svc.tasks.policy import Origin

ACKNOWLEDGEMENT: Final = "complaint_acknowledgement"
RESOLUTION: Final = "complaint_resolution"
DUTIES: Final = (ACKNOWLEDGEMENT, RESOLUTION)
"""The types of the tasks that a complaint opens; what ends them has the same name."""


def origin_of(complaint_id: UUID, duty: str) -> Origin:
    return Origin("complaint", complaint_id, duty)


def answered_by(complaint_id: UUID) -> frozenset[str]:
    """The origins of the complaint's duties, for the evidence that may end them; which of them it does end is the types' to say."""
    return frozenset(str(origin_of(complaint_id, duty)) for duty in DUTIES)
