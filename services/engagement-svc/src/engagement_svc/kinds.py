"""The kinds of standards that engagement-svc goes by (D6)."""

from collections.abc import Mapping
from typing import Any, Final

from guanxi_common.errors import Text
from guanxi_common.standards import Kind
from guanxi_common.standards.kinds import body_of

from engagement_svc.standards import Standards, load_document, parse_standards
from engagement_svc.touches.policy import TouchStandard

JSON_TYPES: Final = {bool: "boolean", int: "integer", str: "string"}


def schema_of(value: Any) -> Mapping[str, Any]:
    """The schema of values in the place of `value`: of its type, objects with the same names. What a name means is in the code, so a bank
    changes values, and neither adds nor removes names; lists may be of any length, down to none."""
    if isinstance(value, Mapping):
        members = {name: schema_of(member) for name, member in value.items()}
        return {"type": "object", "properties": members, "required": list(members), "additionalProperties": False}
    if isinstance(value, list):
        return {"type": "array", "maxItems": 100, "items": schema_of(value[0]) if value else {"type": "string"}}
    return {"type": JSON_TYPES[type(value)]}


_DOCUMENT: Final = load_document()

KINDS: Final = (
    Kind(
        name="duties",
        title=Text("Duties and contacts", "任务与联系"),
        value_type=Standards,
        documents=[_DOCUMENT],
        shipped=[parse_standards(_DOCUMENT)],
        parse=parse_standards,
        schema=schema_of(body_of(_DOCUMENT)),
    ),
    Kind.of("touches", Text("Birthdays and care", "生日与关怀"), TouchStandard, "engagement_svc", "touches"),
)
