"""What an operator sets for customer-svc."""

from typing import ClassVar

from guanxi_common.settings import ServiceSettings


class CustomerSettings(ServiceSettings):
    """`first_head_office` is the token subject that gets the role `head_office` while the directory has nobody: it enters all others.

    Unset, in development, that is the sandbox's president; in production nobody.
    """

    service: ClassVar[str] = "customer-svc"

    first_head_office: str | None = None

    @property
    def founder(self) -> str | None:
        return self.first_head_office or (None if self.production else "president")
