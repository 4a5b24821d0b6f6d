"""What can go wrong with break-glass."""

from guanxi_common.errors import Conflict, Forbidden, Text


class AlreadyVisible(Conflict):
    """The caller sees the customer without it."""

    code, title = "already_visible", Text("You see this customer already", "您已可查看该客户")


class TooManyOpen(Conflict):
    """As many customers are open to the caller as may be at once; wait until one of the accesses has ended."""

    code, title = "too_many_open", Text("Too many customers are open to you", "同时打开的客户过多")


class AlreadyReviewed(Conflict):
    """Somebody has reviewed the access before."""

    code, title = "already_reviewed", Text("The access has been reviewed", "该访问已复核")


class OwnAccess(Forbidden):
    """Whoever opened an access does not review it."""

    code, title = "own_access", Text("You do not review your own access", "不得复核本人的访问")
