"""What can go wrong with a customer file."""

from uuid import UUID

from guanxi_common.errors import Conflict, InvalidInput, Text


class AlreadyRegistered(Conflict):
    """There is a file of this customer number of the source, or with this identity document; `Location` leads to it."""

    code, title = "already_registered", Text("Customer already registered", "客户已登记")

    def __init__(self, customer_id: UUID | None = None) -> None:
        super().__init__(headers={"Location": f"/v1/customers/{customer_id}"} if customer_id else None)


class OutletOutOfScope(InvalidInput):
    """The outlet is unknown, or not one where the caller may file customers."""

    code, title = "unknown_outlet", Text("Unknown outlet", "网点不存在")
