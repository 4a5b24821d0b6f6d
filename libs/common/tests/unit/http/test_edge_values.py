"""The small values of the edge: sealed bytes, cursors, entity tags, rates."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from guanxi_common.errors import InvalidCursor, PreconditionRequired, StaleVersion, TooManyRequests
from guanxi_common.http.etag import none_match, parse_if_match
from guanxi_common.http.pagination import Cursor, after, binding_of
from guanxi_common.http.rates import RateLimiter
from guanxi_common.http.sealing import Sealer, Unsealable
from guanxi_common.http.settings import HttpSettings
from sqlalchemy import DateTime, Uuid, column
from sqlalchemy.dialects import postgresql

OLD, NEW = b"o" * 32, b"n" * 32


def test_what_an_old_secret_sealed_still_opens_after_a_new_one_was_put_before_it():
    sealed = Sealer([OLD], "cursor").seal(b"text", b"context")
    rotated = Sealer([NEW, OLD], "cursor")
    assert rotated.open(sealed, b"context") == b"text"
    with pytest.raises(Unsealable):
        Sealer([NEW], "cursor").open(sealed, b"context")


@pytest.mark.parametrize("damage", [lambda s: s[:-1], lambda s: s[:5], lambda _: b"", lambda s: s[:-1] + bytes([s[-1] ^ 1])])
def test_changed_bytes_another_context_or_purpose_do_not_open(damage):
    sealer = Sealer([OLD], "cursor")
    sealed = sealer.seal(b"text", b"context")
    for opener, blob, context in (
        (sealer, damage(sealed), b"context"),
        (sealer, sealed, b"other"),
        (Sealer([OLD], "idempotency"), sealed, b"context"),
    ):
        with pytest.raises(Unsealable):
            opener.open(blob, context)


def test_digests_keep_the_borders_of_their_parts():
    sealer = Sealer([OLD], "idempotency")
    assert sealer.digests(b"ab", b"c") != sealer.digests(b"a", b"bc")


def test_d21_there_is_a_digest_under_each_secret_the_leading_one_first():
    old, new = Sealer([OLD], "idempotency").digests(b"a"), Sealer([NEW], "idempotency").digests(b"a")
    assert Sealer([OLD, NEW], "idempotency").digests(b"a") == old + new
    assert Sealer([NEW, OLD], "idempotency").digests(b"a") == new + old


def test_a_cursor_gives_back_every_type_of_sort_value():
    cursor = Cursor(Sealer([OLD], "cursor"), binding_of("staff:1", "listTasks", {"state": "open"}))
    values = (
        datetime(2026, 11, 23, 8, tzinfo=UTC),
        date(2026, 11, 23),
        UUID(int=1),
        Decimal("1.50"),
        -(2**62),
        0.1,
        "李",
        True,
        None,
    )
    assert cursor.decode(cursor.encode(values)) == values
    assert cursor.decode(None) is None
    other = Cursor(Sealer([OLD], "cursor"), binding_of("staff:1", "listTasks", {"state": "closed"}))
    with pytest.raises(InvalidCursor):
        other.decode(cursor.encode(values))


def test_the_keyset_condition_compares_rows():
    columns = (column("due_at", DateTime(timezone=True)), column("id", Uuid()))
    values = (datetime(2026, 11, 23, tzinfo=UTC), UUID(int=1))
    ascending = str(after(columns, values).compile(dialect=postgresql.dialect()))
    descending = str(after(columns, values, descending=True).compile(dialect=postgresql.dialect()))
    assert ascending.startswith("(due_at, id) > (")
    assert descending.startswith("(due_at, id) < (")
    assert str(after(columns, None).compile(dialect=postgresql.dialect())) == "true"


def test_if_match_takes_strong_tags_and_any():
    assert parse_if_match('"3"') == (3,)
    assert parse_if_match('"3", "5"') == (3, 5)
    assert parse_if_match("*") is None
    with pytest.raises(PreconditionRequired):
        parse_if_match(None)
    with pytest.raises(StaleVersion):
        parse_if_match("3")


def test_if_none_match_compares_weakly():
    assert none_match('W/"3", "4"', 3)
    assert none_match("*", 3)
    assert not none_match('"4"', 3)
    assert not none_match(None, 3)


def test_a_burst_up_to_the_limit_then_evenly():
    limiter = RateLimiter({"standard": "3/minute"})
    for _ in range(3):
        limiter.check("standard", "rm", now=1000.0)
    with pytest.raises(TooManyRequests) as refused:
        limiter.check("standard", "rm", now=1000.0)
    assert refused.value.headers == {"Retry-After": "20"}
    limiter.check("standard", "another", now=1000.0)
    limiter.check("standard", "rm", now=1020.0)
    with pytest.raises(TooManyRequests):
        limiter.check("standard", "rm", now=1021.0)
    for _ in range(3):
        limiter.check("standard", "rm", now=1200.0)


def test_settings_refuse_short_secrets_and_short_retention():
    with pytest.raises(ValueError, match="32 bytes"):
        HttpSettings(secrets=(b"short",))
    with pytest.raises(ValueError, match="secret"):
        HttpSettings(secrets=())
