"""From a bearer token to a principal, before anything of the request's body is read."""

import re
from collections import OrderedDict
from time import monotonic

from guanxi_common.errors import Unauthenticated
from guanxi_common.http.settings import ServiceParts
from guanxi_common.security.principal import Identity, Principal

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/=-]+)", re.IGNORECASE)
_CHALLENGE = {"WWW-Authenticate": "Bearer"}
_MAX_KEPT = 10_000


class Authenticator:
    """Verifies the token and finds the caller in the directory.

    A principal is kept for `ttl` seconds, so a change of role or a dismissal acts at most that much later. Assignments are not
    part of it: a transfer acts at once, in the query.
    """

    def __init__(self, parts: ServiceParts, ttl: float) -> None:
        self._parts = parts
        self._ttl = ttl
        self._kept: OrderedDict[Identity, tuple[float, Principal]] = OrderedDict()

    async def principal(self, authorization: str | None) -> Principal:
        """Raises `Unauthenticated` without a valid token, and what the directory raises for someone it does not know."""
        found = _BEARER.fullmatch(authorization.strip()) if authorization else None
        if found is None:
            raise Unauthenticated(headers=_CHALLENGE)
        try:
            return await self._resolve(await self._parts.tokens.verify(found[1]))
        except Unauthenticated as refusal:
            refusal.headers.update(_CHALLENGE)
            raise

    async def _resolve(self, identity: Identity) -> Principal:
        kept = self._kept.get(identity)
        if kept is not None and kept[0] > monotonic():
            return kept[1]
        async with self._parts.database.transaction(readonly=True) as uow:
            principal = await self._parts.resolve_principal(uow, identity)
        self._kept[identity] = (monotonic() + self._ttl, principal)
        self._kept.move_to_end(identity)
        if len(self._kept) > _MAX_KEPT:
            self._kept.popitem(last=False)
        return principal
