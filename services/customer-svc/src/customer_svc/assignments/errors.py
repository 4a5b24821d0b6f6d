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


class BookNotEmpty(Conflict):
    """Customers, or transfers to come, hang on the member of staff: name somebody in `hand_over_to`, or transfer them before."""

    code, title = "book_not_empty", Text("Customers hang on this member of staff", "该员工名下仍有客户")

    def __init__(self, customers: int, transfers: int) -> None:
        super().__init__(
            Text(
                f"{customers} customers are in the book, and {transfers} are to come by a transfer.",
                f"现有客户 {customers} 户，待移交转入 {transfers} 户。",
            )
        )


class NothingToHandOver(InvalidInput):
    """Nobody leaves, moves or changes role, so customers are transferred one by one, with notice."""

    code, title = "nothing_to_hand_over", Text("Nobody leaves the book", "该员工未离开岗位，无需移交")


def _standing(transfer: Interval) -> Text:
    staff, instant = transfer.staff_id, transfer.valid_from.isoformat()
    return Text(f"To staff {staff}, effective at {instant}.", f"移交给员工 {staff}，生效时间 {instant}。")
