"""Request bodies: one strict reading of JSON for every route, the size limit, and the base of the pydantic bodies.

| What came | Answer |
|---|---|
| no JSON, invalid UTF-8, a duplicate key, more than 64 levels | 400 `malformed_body` |
| NaN, Infinity, 1e999, an integer beyond int8, U+0000, a lone surrogate | 422 `invalid_input` |

Python's parser takes all of these but the first two, PostgreSQL refuses the rest, and neither may become a 500.
"""

import json
import math
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from starlette.requests import ClientDisconnect, Request

from guanxi_common.errors import BodyTooLarge, InvalidInput, MalformedBody, Text, UnsupportedMediaType
from guanxi_common.http.problems import field_errors
from guanxi_common.text import is_readable_line, says_something

T = TypeVar("T")

BODY_LIMIT = 256 * 1024
BULK_BODY_LIMIT = 16 * 1024 * 1024
MAX_DEPTH = 64
INT8_MIN, INT8_MAX = -(2**63), 2**63 - 1

_INT8_DIGITS: Final = 20
"""As many characters hold every int8; longer ones are not even converted, which takes quadratic time."""

Int8 = Annotated[int, Field(ge=INT8_MIN, le=INT8_MAX)]
"""An integer that PostgreSQL's `bigint` holds."""


_READABLE_PATTERN: Final = r"^[^\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]+$"
"""What a pattern can say of `is_readable_line`; the rest depends on what stands beside a character."""


class _Spoken:
    """A constraint on text: it says something, else 422 `blank`. White space at its ends is left out."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(_require_spoken, handler(source))


class _Readable:
    """A constraint on text: it says something (`_Spoken`), and `is_readable_line`, else 422 `unreadable_character`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(_require_readable, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"pattern": _READABLE_PATTERN, **handler(schema)}


def _require_spoken(text: str) -> str:
    if not says_something(text):
        raise PydanticCustomError("blank", "nothing that is seen")
    return text.strip()


def _require_readable(line: str) -> str:
    spoken = _require_spoken(line)
    if not is_readable_line(line):
        raise PydanticCustomError("unreadable_character", "a character that is not seen, or that turns the reading order around")
    return spoken


SPOKEN: Final = _Spoken()
"""Marks a text that must say something: `Annotated[str, Field(min_length=1, max_length=…), SPOKEN]`. Blank text is no evidence (D1)."""

READABLE: Final = _Readable()
"""Marks one line that says something and of which everything is seen: no forged log line, no U+0000, no two names that look the same."""

Line = Annotated[str, StringConstraints(min_length=1, max_length=200), READABLE]
"""A name or another short line: the type of every text that names something."""

Prose = Annotated[str, StringConstraints(min_length=1, max_length=4000, pattern=r"^[^\x00]+$"), SPOKEN]
"""Free text of several lines, which says something."""


class Body(BaseModel):
    """The base of request bodies: strict (no coercion but JSON's own: dates and ids are strings), and no unknown field."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """The base of answers. Open in the OpenAPI document, so that a field added later breaks no generated client."""

    model_config = ConfigDict(frozen=True)


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, or `BodyTooLarge` as soon as it is known to be over `limit` bytes; no more than that is ever held.

    The connection is closed after a refusal: what the client still sends is not read.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            chunks.append(chunk)
    except ClientDisconnect:
        raise MalformedBody from None
    return b"".join(chunks)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        Text(f"At most {limit} bytes are accepted here.", f"此处最多接受 {limit} 字节。"), headers={"Connection": "close"}
    )


def require_json(request: Request) -> None:
    """Raise `UnsupportedMediaType` unless the body is declared as JSON in UTF-8 (or as a merge patch, on PATCH)."""
    declared, *parameters = request.headers.get("content-type", "").lower().split(";")
    allowed = ("application/json", "application/merge-patch+json") if request.method == "PATCH" else ("application/json",)
    charset = "".join(parameters).replace(" ", "").replace('"', "")
    if declared.strip() not in allowed or charset not in ("", "charset=utf-8"):
        raise UnsupportedMediaType(headers={"Accept": allowed[0]})


def strict_json(body: bytes) -> Any:
    """The one JSON document that `body` is. Raises `MalformedBody` and `InvalidInput` as the table of this module says."""
    try:
        text = body.decode("utf-8")
        document = json.loads(
            text,
            object_pairs_hook=_unique_keys,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_int8,
        )
    except (RecursionError, UnicodeDecodeError, json.JSONDecodeError):
        raise MalformedBody from None
    _check_depth(document)
    if "\\u" in text:
        _check_text(document)
    return document


def well_formed(body: bytes) -> Any:
    """The document that `body` is, whose numbers and texts may be out of range. Raises `MalformedBody` as `strict_json` does."""
    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_unique_keys, parse_int=_whole)
    except (RecursionError, UnicodeDecodeError, json.JSONDecodeError):
        raise MalformedBody from None
    _check_depth(document)
    return document


def _whole(digits: str) -> float:
    return int(digits) if len(digits) <= _INT8_DIGITS else math.inf


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedBody(Text("A key occurs twice in one object.", "同一对象中存在重复的键。"))
    return members


def _refuse_constant(_: str) -> float:
    raise InvalidInput(Text("NaN and Infinity are not numbers here.", "不接受 NaN 或 Infinity。"))


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise InvalidInput(Text("A number is out of range.", "数值超出范围。"))
    return number


def _int8(digits: str) -> int:
    if len(digits) > _INT8_DIGITS or not INT8_MIN <= (number := int(digits)) <= INT8_MAX:
        raise InvalidInput(Text("A number is out of range.", "数值超出范围。"))
    return number


def _check_depth(document: Any) -> None:
    level = [document]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node) if isinstance(child, (dict, list))]
        if not level:
            return
    raise MalformedBody(Text(f"More than {MAX_DEPTH} levels.", f"嵌套超过 {MAX_DEPTH} 层。"))


def _check_text(document: Any) -> None:
    pending = [document]
    while pending:
        node = pending.pop()
        if isinstance(node, str):
            if "\0" in node or any("\ud800" <= character <= "\udfff" for character in node):
                raise InvalidInput(Text("A text holds a character that cannot be stored.", "文本含有无法存储的字符。"))
        elif isinstance(node, dict):
            pending.extend(node)
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)


def _children(node: Any) -> Any:
    return node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()


def parse_body(adapter: TypeAdapter[T], body: bytes) -> T:
    """`body` as the adapter's type, read strictly. Raises `MalformedBody` and `InvalidInput` with pointers."""
    strict_json(body)
    try:
        # From the bytes again: only pydantic's own JSON mode can be strict and still take dates and ids, which JSON has as text.
        return adapter.validate_json(body, strict=True)
    except ValidationError as error:
        # `input` and `context` could hold what was sent.
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise InvalidInput(errors=field_errors(found, place="body")) from None
