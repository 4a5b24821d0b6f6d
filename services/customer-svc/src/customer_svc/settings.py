"""What an operator sets for customer-svc."""

from datetime import timedelta
from typing import ClassVar, Final

from guanxi_common.settings import ServiceSettings
from pydantic import Field

from customer_svc.directory.policy import LEAST_APPROVERS
from customer_svc.standards.policy import NOTICE

_SANDBOX_FOUNDERS: Final = "president,compliance:compliance_officer"


class CustomerSettings(ServiceSettings):
    """`founders` are the token subjects, two or more with commas between them, who are entered in an empty directory and enter all
    others. They get the role `head_office`, or the one behind a colon: `a.wang,b.li:compliance_officer`.

    Unset, in development, these are the sandbox's president and compliance officer; production does not start with fewer than two.
    """

    service: ClassVar[str] = "customer-svc"

    founders: str | None = None
    standard_notice_seconds: int = Field(default=300, ge=0, le=86_400)
    """How long before it counts a version of a standard is approved; in production five minutes at least."""

    @property
    def standard_notice(self) -> timedelta:
        return timedelta(seconds=self.standard_notice_seconds)

    @property
    def founder_roles(self) -> tuple[tuple[str, str], ...]:
        """Subject and role of each founder."""
        named = self.founders or ("" if self.production else _SANDBOX_FOUNDERS)
        pairs = (part.strip().partition(":") for part in named.split(",") if part.strip())
        return tuple({subject.strip(): (subject.strip(), role.strip() or "head_office") for subject, _, role in pairs}.values())

    def _unfit_for_the_service(self) -> list[str]:
        problems = []
        if len(self.founder_roles) < LEAST_APPROVERS:
            problems.append("GUANXI_FOUNDERS must name two or more token subjects, with commas between them")
        if self.standard_notice < NOTICE:
            problems.append(
                "GUANXI_STANDARD_NOTICE_SECONDS is less than 300: not every process would know a standard when it begins"
            )
        return problems
