"""Entity tags: the version of an aggregate, as a strong tag (RFC 9110, 8.8.3)."""

import re

from guanxi_common.errors import PreconditionRequired, StaleVersion

_TAG = re.compile(r'"(\d{1,18})"')


def format_etag(version: int) -> str:
    return f'"{version}"'


def parse_if_match(header: str | None) -> tuple[int, ...] | None:
    """The versions that the caller expects; None for `*` (any).

    Raises `PreconditionRequired` where the header is missing, `StaleVersion` where it holds no tag that we could have issued:
    a weak tag never matches strongly.
    """
    if header is None:
        raise PreconditionRequired
    if header.strip() == "*":
        return None
    versions = tuple(int(match[1]) for part in header.split(",") if (match := _TAG.fullmatch(part.strip())))
    if not versions:
        raise StaleVersion
    return versions


def none_match(header: str | None, version: int) -> bool:
    """Whether `If-None-Match` says that the caller has `version` already; the comparison is weak."""
    if header is None:
        return False
    tags = [part.strip().removeprefix("W/") for part in header.split(",")]
    return header.strip() == "*" or format_etag(version) in tags
