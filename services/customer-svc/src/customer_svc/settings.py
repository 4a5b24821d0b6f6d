"""What an operator sets for customer-svc."""

from typing import ClassVar, Final

from guanxi_common.settings import ServiceSettings

from customer_svc.directory.policy import LEAST_APPROVERS

_SANDBOX_FOUNDERS: Final = "president,compliance:compliance_officer"


class CustomerSettings(ServiceSettings):
    """`founders` are the token subjects, two or more with commas between them, who are entered in an empty directory and enter all
    others. They get the role `head_office`, or the one behind a colon: `a.wang,b.li:compliance_officer`.

    Unset, in development, these are the sandbox's president and compliance officer; production does not start with fewer than two.
    """

    service: ClassVar[str] = "customer-svc"

    founders: str | None = None

    @property
    def founder_roles(self) -> tuple[tuple[str, str], ...]:
        """Subject and role of each founder."""
        named = self.founders or ("" if self.production else _SANDBOX_FOUNDERS)
        pairs = (part.strip().partition(":") for part in named.split(",") if part.strip())
        return tuple({subject.strip(): (subject.strip(), role.strip() or "head_office") for subject, _, role in pairs}.values())

    def _unfit_for_the_service(self) -> list[str]:
        few = len(self.founder_roles) < LEAST_APPROVERS
        return ["GUANXI_FOUNDERS must name two or more token subjects, with commas between them"] if few else []
