"""The channels by which a customer may be contacted: the words that consents, preferences and recommended actions share."""

from enum import StrEnum


class Channel(StrEnum):
    """How somebody of the bank, or a machine of it, reaches the customer."""

    PHONE = "phone"  # 电话
    VISIT = "visit"  # 上门拜访
    MESSAGE = "message"  # 短信、微信、邮件、信函
    BRANCH = "branch"  # 网点面谈


ALL_CHANNELS = tuple(Channel)
