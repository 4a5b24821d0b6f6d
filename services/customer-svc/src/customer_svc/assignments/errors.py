"""What can go wrong with an assignment. A refusal names the transfer that stands: staff ids and instants are no customer's data."""

from guanxi_common.errors import Conflict, InvalidInput, Text

from customer_svc.book.policy import Interval


class NotAssignable(InvalidInput):
    """The member of staff is unknown, inactive, outside the caller's outlets, or not of a role that keeps customers."""

    code, title = "not_assignable", Text("This member of staff cannot be assigned", "该员工不能被分配")


class EffectiveTooSoon(InvalidInput):
    """A transfer takes effect five minutes from now at the earliest."""

    code, title = "effective_too_soon", Text("effective_at is too soon", "生效时间过早")


class TransferPending(Conflict):
    """A transfer of this customer is decided and not effective yet; it can be replaced or cancelled."""

    code, title = "transfer_pending", Text("A transfer is pending", "已有待生效的移交")

    def __init__(self, transfer: Interval) -> None:
        super().__init__(_standing(transfer))


class NoTransferPending(Conflict):
    """Nothing to replace or to cancel: the transfer has taken effect, was cancelled before, or never was."""

    code, title = "no_transfer_pending", Text("No transfer is pending", "没有待生效的移交")


class TransferSettled(Conflict):
    """The transfer takes effect within a minute, too soon for every service to hear of a change."""

    code, title = "transfer_settled", Text("The transfer is about to take effect", "移交即将生效")

    def __init__(self, transfer: Interval) -> None:
        super().__init__(_standing(transfer))


def _standing(transfer: Interval) -> Text:
    staff, instant = transfer.staff_id, transfer.valid_from.isoformat()
    return Text(f"To staff {staff}, effective at {instant}.", f"移交给员工 {staff}，生效时间 {instant}。")
