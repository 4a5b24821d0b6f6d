"""What can go wrong with an erasure."""

from guanxi_common.errors import Conflict, Text, Unavailable


class AccountsOpen(Conflict):
    """The customer holds an account that core banking has not closed."""

    code, title = "accounts_open", Text("The customer has open accounts", "客户仍有未销户的账户")


class ErasureListAway(Unavailable):
    """The list of erasures, which lies outside the databases, did not confirm the line. If the line is on it all the same, the erasure
    is carried out within a minute; else nothing was erased. Try again later: 404 says that it was carried out.
    """

    code, title = "erasure_list_away", Text("The list of erasures did not confirm the erasure", "删除名单未确认本次删除")
