"""What can go wrong with an erasure."""

from guanxi_common.errors import Conflict, Text, Unavailable


class AccountsOpen(Conflict):
    """The customer holds an account that core banking has not closed."""

    code, title = "accounts_open", Text("The customer has open accounts", "客户仍有未销户的账户")


class ErasureListAway(Unavailable):
    """The list of erasures, which lies outside the databases, cannot be written. Nothing was erased; try again later."""

    code, title = "erasure_list_away", Text("The list of erasures cannot be written", "删除名单无法写入")
