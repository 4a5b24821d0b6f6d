"""Bodies of the consent operations."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from guanxi_common.http.bodies import Answer, Body
from guanxi_contracts.vocabularies import Channel
from pydantic import Field, StringConstraints

Purpose = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{1,39}$")]
TextVersion = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,64}$")]
Channels = Annotated[list[Channel], Field(min_length=1, max_length=len(Channel))]


AgreedOn = Annotated[
    date | None,
    Field(
        description="The day on which the customer said it, where it is recorded later, such as that of a paper form; left out: just now."
        " What was said later still counts; of one day, a withdrawal."
    ),
]


class ConsentMethod(StrEnum):
    """How the customer said it."""

    SIGNED_FORM = "signed_form"  # 书面签署
    MOBILE_APP = "mobile_app"  # 手机银行
    PHONE_RECORDED = "phone_recorded"  # 电话录音
    IN_PERSON = "in_person"  # 当面口头
    WRITTEN = "written"  # 信函、邮件


class ConsentGrant(Body):
    """A consent (同意). `data_origin` marks what a sandbox made up."""

    purpose: Purpose
    channels: Channels
    method: ConsentMethod
    text_version: Annotated[TextVersion, Field(description="Which text the customer agreed to.")]
    agreed_on: AgreedOn = None
    data_origin: Literal["reported", "generated"] = "reported"


class ConsentWithdrawal(Body):
    """A withdrawal (撤回同意); without `channels` it is for all of them."""

    purpose: Purpose
    channels: Channels | None = None
    method: ConsentMethod
    agreed_on: AgreedOn = None
    data_origin: Literal["reported", "generated"] = "reported"


class ConsentOut(Answer):
    """What the customer said of a purpose and channel, since when it counts, how, to which text, and who recorded it and when.

    `agreed_on`: its day, where no more is known."""

    purpose: str
    channel: str
    granted: bool
    since: datetime
    method: str
    text_version: str | None
    recorded_by: str
    data_origin: str
    agreed_on: date | None
    recorded_at: datetime
