"""8.C, idempotency: which bodies are one JSON document. The right values follow from RFC 8259, sections 4, 6 and 7."""

import json

import pytest
from guanxi_common.http.documents import canonical


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a":1,"b":2}', '{ "b" : 2,\r\n\t"a" : 1 }'),
        ('{"a":{"x":[{"p":1,"q":2}],"y":null}}', '{"a":{"y":null,"x":[{"q":2,"p":1}]}}'),
        ('"李é"', r'"\u674e\u00E9"'),
        ('"a/b"', r'"a\/\u0062"'),
        ('"😀"', r'"\uD83D\ude00"'),
        (r'{"a\u0062":1}', '{"ab":1}'),
        ("1", "1.0"),
        ("1", "10e-1"),
        ("100", "1E+2"),
        ("-1250", "-1.25e3"),
        ("0", "-0"),
        ("0", "-0.000e7"),
        ("0.5", "5e-1"),
        ("0.1", "0.100"),
        ("9007199254740993", "9007199254740993.0"),
        ("1e300", "10e299"),
    ],
)
def test_another_spelling_is_the_same_document(one: str, other: str) -> None:
    assert canonical(one.encode()) == canonical(other.encode())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", '"1"'),
        ("1.5", '"1.5"'),
        ("1.5", '"15e-1"'),
        ("1", "true"),
        ("0", "false"),
        ("0", "null"),
        ("1", "-1"),
        ("1", "10"),
        ("0.1", "0.01"),
        ("0.1", "0.10000000000000000001"),
        ("9007199254740993", "9007199254740992"),
        ("1e-400", "0"),
        ("1e-99999999999", "1e-99999999998"),
        ("[1,2]", "[2,1]"),
        ("[]", "{}"),
        ("{}", '{"a":null}'),
        ('"a"', '"A"'),
        ('"a"', '"a "'),
        ('"\u00e9"', '"e\u0301"'),
        ('{"a":"b"}', '{"b":"a"}'),
        ("", "{}"),
        ("", " "),
        ("{", "{ "),
    ],
)
def test_another_document_is_another(one: str, other: str) -> None:
    assert canonical(one.encode()) != canonical(other.encode())


def test_what_cannot_be_parsed_stays_as_it_is() -> None:
    for body in (b"", b"\xff", b"[" * 100_000, b"1" * 5_000, json.dumps("a").encode("utf-16")[:3]):
        assert canonical(body) == body
