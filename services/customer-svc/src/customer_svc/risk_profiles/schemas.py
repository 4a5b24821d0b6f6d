"""Bodies of the risk profile operations."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from guanxi_common.http.bodies import Answer, Body
from pydantic import Field, StringConstraints

Level = Annotated[int, Field(ge=1, le=5, description="1 bears the least risk, 5 the most.")]
Questionnaire = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,64}$")]


class AssessmentMethod(StrEnum):
    """How the customer was assessed."""

    QUESTIONNAIRE = "questionnaire"  # 问卷
    ONLINE = "online"  # 线上测评
    INTERVIEW = "interview"  # 面谈


class RiskAssessment(Body):
    """An assessment (风险评估). `expires_on` defaults to as late as the standard allows; `assessed_on` to today."""

    level: Level
    method: AssessmentMethod
    assessed_on: date | None = None
    expires_on: date | None = None
    questionnaire: Annotated[Questionnaire | None, Field(description="Which questionnaire was answered.")] = None
    data_origin: Literal["reported", "generated"] = "reported"


class RiskProfileOut(Answer):
    """An assessment. `counts`: it is the latest; `in_force`: it counts and has not expired."""

    id: UUID
    customer_id: UUID
    level: int
    assessed_on: date
    expires_on: date
    method: str
    questionnaire: str | None
    recorded_by: str
    recorded_at: datetime
    data_origin: str
    counts: bool
    in_force: bool
