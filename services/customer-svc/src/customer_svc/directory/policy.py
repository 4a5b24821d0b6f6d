"""Roles as data (`roles.yaml` read and checked), and what a change of the directory is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args
from uuid import UUID

import yaml
from guanxi_common.security.directory.values import Role
from guanxi_common.security.principal import CallerKind, ScopeKind

APPROVE = "directory.approve"
"""The permission to decide about what others propose; who holds it counts as an approver."""

PROPOSE = "directory.propose"
"""The permission to propose a change that a second person decides."""

LEAST_APPROVERS = 2
"""With fewer nobody could change a power role any more, but by `guanxi appoint` on the host."""

How = Literal["founded", "direct", "proposed", "appointed"]


@dataclass(frozen=True, slots=True)
class Change:
    """Who changes an entry, and when; see `DirectoryChangeRow`."""

    author_id: UUID | None
    how: How
    changed_at: datetime
    reason: str | None = None


def is_invalid_leave(away_from: datetime | None, away_until: datetime | None) -> bool:
    """Whether one of the two is missing, or the leave ends before it has begun."""
    if away_from is None or away_until is None:
        return away_from is not away_until
    return away_from >= away_until


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles that ship with the service. `power`: roles that are given and taken by two people."""

    roles: tuple[Role, ...]
    power: frozenset[str]

    @property
    def approving(self) -> frozenset[str]:
        """The roles that may decide about what others propose."""
        return frozenset(role.role for role in self.roles if APPROVE in role.grants)


def parse_roles(document: Mapping[str, Any]) -> Roles:
    """The roles of a document.

    Raises ValueError for a scope or a kind of holder that does not exist, and for a role that is granted a permission of
    `power_permissions` without being marked `power`: a grant must not make a power role of one that a single person gives.
    """
    version = int(document["version"])
    roles = tuple(_role(name, facts, version) for name, facts in document["roles"].items())
    power = frozenset(name for name, facts in document["roles"].items() if facts.get("power", False))
    marked = frozenset(document["power_permissions"])
    for role in roles:
        if role.role not in power and marked & role.grants.keys():
            raise ValueError(f"{role.role} holds a power permission and is not marked as a power role")
    return Roles(roles, power)


def _role(name: str, facts: Mapping[str, Any], version: int) -> Role:
    grants = {permission: ScopeKind(scope) for permission, scope in facts["grants"].items()}
    holder = facts.get("holder", "staff")
    if holder not in get_args(CallerKind):
        raise ValueError(f"{name} is held by nobody that there is")
    return Role(name, grants, version, holder=holder)


@cache
def load_roles() -> Roles:
    """The roles that ship with the service."""
    return parse_roles(yaml.safe_load(files("customer_svc.directory").joinpath("roles.yaml").read_text(encoding="utf-8")))
