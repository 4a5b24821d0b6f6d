"""What each answer says to browsers: nothing of it is to be guessed at, run, framed, or loaded by another origin's page."""

from typing import Final

_CONTENT_SECURITY_POLICY: Final = b"content-security-policy"

HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (_CONTENT_SECURITY_POLICY, b"default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
)
_OWN_PAGES: Final = (
    b"default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src blob:;"
    b" object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""The pages of the documents start their script with a line of their own, and hold nothing that a caller wrote."""

FOR_PAGES: Final = (*HEADERS[:-1], (_CONTENT_SECURITY_POLICY, _OWN_PAGES))
