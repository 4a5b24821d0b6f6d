"""Bodies of the contact preferences."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from guanxi_common.http.bodies import Answer, Body
from guanxi_contracts.vocabularies import Channel
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class Topic(StrEnum):
    """What the bank may speak of (s99)."""

    ACCOUNT_NEWS = "account_news"  # 账户信息
    INVESTMENT_NEWS = "investment_news"  # 投资资讯
    BANK_NEWS = "bank_news"  # 银行信息
    PORTFOLIO_REVIEW = "portfolio_review"  # 投资组合回顾
    EVENTS = "events"  # 活动
    DATES = "dates"  # 重要日期


class AgreementMethod(StrEnum):
    """How it was agreed with the customer (获得客户的认可)."""

    IN_PERSON = "in_person"  # 当面
    PHONE = "phone"  # 电话
    MOBILE_APP = "mobile_app"  # 手机银行
    WRITTEN = "written"  # 书面


class QuietHours(BaseModel):
    """Local times: from inclusive, to exclusive; it may pass midnight. Equal times are no hours at all, so they are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True, validate_by_name=True, validate_by_alias=True)

    from_: Annotated[TimeOfDay, Field(alias="from")]
    to: TimeOfDay


class ContactLimits(Body):
    """At most `max_contacts` in `per_days` days, whoever calls; 0 is never."""

    max_contacts: Annotated[int, Field(ge=0, le=1000)]
    per_days: Annotated[int, Field(ge=1, le=366)]


class ContactPreferencesChange(Body):
    """Merge patch: what is left out stays, null clears. What changes was agreed as `method` and `agreed_on` (today) say."""

    method: AgreementMethod
    agreed_on: date | None = None
    data_origin: Literal["reported", "generated"] = "reported"
    preferred_channels: Annotated[list[Channel], Field(max_length=len(Channel), description="The first is the best.")] | None = (
        None
    )
    topics: Annotated[list[Topic], Field(max_length=len(Topic))] | None = None
    quiet_hours: QuietHours | None = None
    contact_limits: ContactLimits | None = None


class Agreement(Answer):
    """When and how a field was agreed, and who recorded it."""

    on: date
    method: str
    recorded_by: str
    data_origin: str


class ContactPreferencesOut(Answer):
    """How the customer wants to be contacted. `agreed` says it of each field that was ever agreed on; empty: as the bank's standard."""

    customer_id: UUID
    preferred_channels: list[str]
    topics: list[str]
    quiet_hours: QuietHours | None
    contact_limits: ContactLimits | None
    agreed: dict[str, Agreement]
    version: int
