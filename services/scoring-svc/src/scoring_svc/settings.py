"""What an operator sets for scoring-svc."""

from typing import ClassVar

from guanxi_common.settings import ServiceSettings


class ScoringSettings(ServiceSettings):
    service: ClassVar[str] = "scoring-svc"
