"""What can go wrong with an assignment."""

from guanxi_common.errors import Conflict, InvalidInput, Text


class NotAssignable(InvalidInput):
    """The member of staff is unknown, inactive, outside the caller's outlets, or not of a role that keeps customers."""

    code, title = "not_assignable", Text("This member of staff cannot be assigned", "该员工不能被分配")


class EffectiveTooSoon(InvalidInput):
    """A transfer takes effect five minutes from now at the earliest."""

    code, title = "effective_too_soon", Text("effective_at is too soon", "生效时间过早")


class TransferPending(Conflict):
    """A transfer of this customer is final but not effective yet."""

    code, title = "transfer_pending", Text("A transfer is pending", "已有待生效的移交")
