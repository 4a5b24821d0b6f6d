"""What a good request is, and the things that its target stands for."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from guanxi_testing.house import House

Request = tuple[str, Any]
"""Path and body."""

OfOneService = dict[str, Callable[[str], Request]]
"""By operation of one service: a function of the target."""

GoodRequests = dict[str, Callable[[str, str], Request]]
"""By operation: a function of the service and the target, which is `own`, `other` or `missing` (a thing of that customer, or that
outlet), `existing` or `missing` where nobody owns the thing, `any` where there is no thing at all."""


def id_of(house: House, kind: str) -> Callable[[str], str]:
    return lambda target: house.ids.get(f"{kind}:{target}") or str(uuid4())


def existing(house: House, name: str, target: str) -> str:
    return house.ids[name] if target == "existing" else str(uuid4())
