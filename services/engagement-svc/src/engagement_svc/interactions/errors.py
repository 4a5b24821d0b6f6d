"""What can go wrong when a contact is recorded."""

from guanxi_common.errors import Conflict, InvalidInput, Text


class ContactInTheFuture(InvalidInput):
    """A contact is recorded after it happened; five minutes are allowed for clocks that differ."""

    code, title = "contact_in_the_future", Text("The contact lies in the future", "联系时间在将来")


class NotTheAuthor(Conflict):
    """The record is corrected by whoever made it, or by the lead."""

    code, title = "not_the_author", Text("Somebody else has recorded this contact", "该联系由他人记录")


class CorrectionClosed(Conflict):
    """The time in which the record is corrected has passed."""

    code, title = "correction_closed", Text("The record is too old to be corrected", "该记录已过更正期限")


class NothingCorrected(InvalidInput):
    """The correction says what the record says already."""

    code, title = "nothing_corrected", Text("The record says so already", "记录内容与更正内容相同")
