"""Roles as data: `roles.yaml` read and checked."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import yaml
from guanxi_common.security.directory.values import Role
from guanxi_common.security.principal import ScopeKind


def parse_roles(document: Mapping[str, Any]) -> list[Role]:
    """The roles of a document; raises ValueError for a scope that does not exist."""
    version = int(document["version"])
    return [
        Role(role, {permission: ScopeKind(scope) for permission, scope in facts["grants"].items()}, version)
        for role, facts in document["roles"].items()
    ]


def load_roles() -> list[Role]:
    """The roles that ship with the service."""
    return parse_roles(yaml.safe_load(files("customer_svc.directory").joinpath("roles.yaml").read_text(encoding="utf-8")))
