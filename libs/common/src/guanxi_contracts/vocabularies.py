"""Words that the services share: each word in one place, used by enums of the API, standards and events alike."""

from enum import StrEnum
from typing import Final


class Channel(StrEnum):
    """How somebody of the bank, or a machine of it, reaches the customer. Consents, preferences, the contact budget, actions and
    contacts name channels by these words; no word stands for another, so that a refusal is neither widened nor narrowed."""

    PHONE = "phone"  # 电话
    VISIT = "visit"  # 上门拜访
    BRANCH = "branch"  # 网点面谈
    VIDEO = "video"  # 视频
    SMS = "sms"  # 短信
    WECHAT = "wechat"  # 微信
    APP = "app"  # 手机银行消息
    EMAIL = "email"  # 电子邮件
    LETTER = "letter"  # 信函


CHANNELS: Final = tuple(channel.value for channel in Channel)
"""Every channel that can be written, in a fixed order."""

MESSAGE_UNSPECIFIED: Final = "message_unspecified"
"""A text message, WeChat message, e-mail or letter of the time when one word stood for all of them. It is read, never written, and
matches no consent."""
