"""What an operator sets for engagement-svc."""

from typing import ClassVar

from guanxi_common.settings import ServiceSettings


class EngagementSettings(ServiceSettings):
    service: ClassVar[str] = "engagement-svc"
