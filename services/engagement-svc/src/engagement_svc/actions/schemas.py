"""Bodies of the actions."""

from enum import StrEnum
from typing import Literal
from uuid import UUID

from guanxi_common.http.bodies import Answer, Body


class DeclineReason(StrEnum):
    """Why an RM does not take an offer up; scoring-svc learns that it was declined."""

    NOT_SUITABLE = "not_suitable"
    BAD_MOMENT = "bad_moment"
    ALREADY_DISCUSSED = "already_discussed"
    OTHER = "other"


class DeclineRequest(Body):
    reason: DeclineReason


class DeclinedOut(Answer):
    """The action that left the list, and the task that carried it."""

    action_id: UUID
    task_id: UUID
    state: Literal["declined"]
