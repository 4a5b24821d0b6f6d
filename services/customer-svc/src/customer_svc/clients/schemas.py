"""Bodies of the operations on clients."""

from typing import Annotated
from uuid import UUID

from guanxi_common.http.bodies import Answer, Body, Line
from pydantic import Field, StringConstraints

from customer_svc.directory.schemas import Code

ClientId = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,200}$")]
Source = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,64}$")]
Sources = Annotated[list[Source], Field(max_length=50, description="The systems for which it may report.")]
Reason = Annotated[Line | None, Field(description="Why; needed where a second person decides.")]


class ClientRegistration(Body):
    """`client_id` is the `client_id` of the tokens that this system will present."""

    client_id: ClientId
    name: Line
    role: Code
    sources: Sources
    reason: Reason = None


class ClientChange(Body):
    """Merge patch: what is left out stays. `reason` is no part of the entry."""

    name: Line = ""
    role: Code = ""
    sources: Sources = []
    active: bool = True
    reason: Reason = None


class ClientOut(Answer):
    id: UUID
    client_id: str
    name: str
    role: str
    sources: list[str]
    active: bool
    version: int
