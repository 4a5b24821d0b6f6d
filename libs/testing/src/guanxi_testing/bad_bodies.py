"""The corpus of bad bodies that every kind of route must answer alike.

They are made for the shape `{"name": str, "amount": integer, "birth_date": date or null}`, in which each is wrong in one way.
`SECRET` stands where an identity number could: no answer may contain it.
"""

from dataclasses import dataclass

SECRET = "110101199003077758"  # noqa: S105  # no password: it stands for an identity number
GOOD_BODY = b'{"name":"Li Wei","amount":5}'


@dataclass(frozen=True, slots=True)
class BadBody:
    """What is sent, and the status and code that it deserves."""

    name: str
    body: bytes
    status: int
    code: str
    content_type: str | None = "application/json"


def _name(value: bytes) -> bytes:
    return b'{"name":' + value + b',"amount":5}'


def _amount(value: bytes) -> bytes:
    return b'{"name":"' + SECRET.encode() + b'","amount":' + value + b"}"


_MALFORMED = {
    "no JSON": b"name=Li&amount=5",
    "cut off": b'{"name":"Li","amount":5',
    "trailing bytes": GOOD_BODY + b"}",
    "two documents": GOOD_BODY + GOOD_BODY,
    "byte order mark": b"\xef\xbb\xbf" + GOOD_BODY,
    "comment": b'{"name":"Li",/* */"amount":5}',
    "trailing comma": b'{"name":"Li","amount":5,}',
    "single quotes": b"{'name':'Li','amount':5}",
    "leading zero": _amount(b"05"),
    "plus sign": _amount(b"+5"),
    "invalid UTF-8": _name(b'"\xff\xfe"'),
    "overlong UTF-8": _name(b'"\xc0\x80"'),
    "encoded surrogate": _name(b'"\xed\xa0\x80"'),
    "UTF-16": GOOD_BODY.decode().encode("utf-16"),
    "raw NUL": _name(b'"Li\x00Wei"'),
    "raw newline": _name(b'"Li\nWei"'),
    "unfinished escape": _name(b'"\\u12"'),
    "duplicate key": b'{"name":"' + SECRET.encode() + b'","amount":5,"amount":6}',
    "duplicate key, spaced": b'{"name" : "Li", "amount" : 5, "amount"\n:6}',
    "duplicate key, escaped": b'{"name":"Li","amount":5,"\\u0061mount":6}',
    "duplicate key behind a text that looks like one": b'{"name":"a\\":b","amount":5,"amount":6}',
    "duplicate null": b'{"name":"Li","amount":5,"birth_date":null,"birth_date":null}',
    "duplicate unknown key": b'{"name":"Li","amount":5,"x":1,"x":2}',
    "65 levels": _name(b"[" * 64 + b"]" * 64),
    "100,000 levels": _name(b"[" * 100_000 + b"]" * 100_000),
    "100,000 unclosed levels": b"[" * 100_000,
    "40,000 objects": b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
}
_INVALID = {
    "NaN": _amount(b"NaN"),
    "Infinity": _amount(b"Infinity"),
    "minus Infinity": _amount(b"-Infinity"),
    "1e999": _amount(b"1e999"),
    "minus 1e999": _amount(b"-1e999"),
    "2^63": _amount(b"9223372036854775808"),
    "minus 2^63 - 1": _amount(b"-9223372036854775809"),
    "5,000 digits": _amount(b"9" * 5_000),
    "fraction": _amount(b"5.5"),
    "whole float": _amount(b"5.0"),
    "number as text": _amount(b'"5"'),
    "truth as number": _amount(b"true"),
    "U+0000": _name(b'"' + SECRET.encode() + b'\\u0000"'),
    "U+0000 behind a backslash": _name(b'"\\\\\\u0000"'),
    "lone high surrogate": _name(b'"' + SECRET.encode() + b'\\ud800"'),
    "lone low surrogate": _name(b'"\\udc00x"'),
    "surrogates reversed": _name(b'"\\udc00\\ud800"'),
    "missing field": b'{"name":"' + SECRET.encode() + b'"}',
    "unknown field": b'{"name":"Li","amount":5,"role":"' + SECRET.encode() + b'"}',
    "unknown field that is a value": b'{"name":"Li","amount":5,"' + SECRET.encode() + b'":1}',
    "null for text": _name(b"null"),
    "list for text": _name(b'["' + SECRET.encode() + b'"]'),
    "64 levels": _name(b"[" * 63 + b"]" * 63),
    "no date": b'{"name":"' + SECRET.encode() + b'","amount":5,"birth_date":"1990-02-30"}',
    "number for a date": b'{"name":"Li","amount":5,"birth_date":19900307}',
    "list for an object": b"[]",
    "text for an object": b'"' + SECRET.encode() + b'"',
    "null for an object": b"null",
    "empty body": b"",
}
_NOT_JSON = {
    "text/plain": "text/plain",
    "form": "application/x-www-form-urlencoded",
    "multipart": "multipart/form-data; boundary=x",
    "merge patch on POST": "application/merge-patch+json",
    "problem": "application/problem+json",
    "UTF-16 declared": "application/json; charset=utf-16",
    "no content type": None,
}

BAD_BODIES = (
    *(BadBody(name, body, 400, "malformed_body") for name, body in _MALFORMED.items()),
    *(BadBody(name, body, 422, "invalid_input") for name, body in _INVALID.items()),
    *(BadBody(name, GOOD_BODY, 415, "unsupported_media_type", kind) for name, kind in _NOT_JSON.items()),
    BadBody("over the limit", _name(b'"' + b"x" * 300_000 + b'"'), 413, "body_too_large"),
)
