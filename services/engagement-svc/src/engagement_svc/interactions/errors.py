"""What can go wrong when a contact is recorded."""

from guanxi_common.errors import InvalidInput, Text


class ContactInTheFuture(InvalidInput):
    """A contact is recorded after it happened; five minutes are allowed for clocks that differ."""

    code, title = "contact_in_the_future", Text("The contact lies in the future", "联系时间在将来")
