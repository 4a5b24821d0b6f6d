"""What can go wrong with a reservation."""

from guanxi_common.errors import Conflict, Text


class ContactBudgetExhausted(Conflict):
    """Some window of days around the date holds as many contacts as the customer's limit allows."""

    code, title = "contact_budget_exhausted", Text("The customer's contact budget is used up", "该客户的联系次数已用完")


class WithoutConsent(Conflict):
    """The customer has not agreed to be sold to on this channel, or has withdrawn it."""

    code, title = "no_consent", Text("The customer has not agreed to this", "客户未同意此类联系")


class SalesOnHold(Conflict):
    """An open complaint stops selling; care and the customer's own matters go on."""

    code, title = "sales_hold", Text("Selling to this customer is on hold", "该客户暂停营销")


class InQuietHours(Conflict):
    """The customer does not want to be contacted at this time of day; the customer's own matters are exempt."""

    code, title = "in_quiet_hours", Text("These are the customer's quiet hours", "现为该客户免打扰时段")


class ReservationSettled(Conflict):
    """The reservation was settled the other way before."""

    code, title = "reservation_settled", Text("The reservation is settled", "该预留已处理")
