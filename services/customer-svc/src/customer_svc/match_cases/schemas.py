"""Bodies of the data desk's cases."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from guanxi_common.http.bodies import SPOKEN, Answer, Body
from pydantic import StringConstraints

from customer_svc.match_cases.policy import Outcome


class CaseDecision(Body):
    """What the data desk found, and how it knows."""

    outcome: Outcome
    note: Annotated[str, StringConstraints(strip_whitespace=True, min_length=5, max_length=500, pattern=r"^[^\x00]+$"), SPOKEN]


class MatchCaseOut(Answer):
    """A case. `customer_id`: the file that has the document. `asked_by`: who tried to file it again."""

    id: UUID
    case_number: str
    customer_id: UUID
    asked_by: str
    opened_at: datetime
    outcome: str | None
    note: str | None
    closed_by: str | None
    closed_at: datetime | None
