"""The versions of standards that ship with a package, from a slice's `standards.yaml`.

A file holds every version that ever shipped, because a stored score names the version it was made with and must come out the
same again. A version is never edited; a new one is added below it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, Protocol, TypeVar, cast

import yaml
from pydantic import TypeAdapter


class Standard(Protocol):
    """What every standard carries beside its thresholds."""

    @property
    def version(self) -> int: ...
    @property
    def author(self) -> str: ...
    @property
    def effective_from(self) -> date: ...
    @property
    def reason(self) -> str: ...


S = TypeVar("S", bound=Standard)


def parse_standards(kind: type[S], versions: Iterable[Mapping[str, Any]]) -> tuple[S, ...]:
    """The versions of one standard, oldest first.

    Raises `ValueError` (pydantic's) for an unknown or missing threshold, and where versions or effective dates do not ascend.
    """
    adapter = TypeAdapter(kind)
    parsed = tuple(adapter.validate_python(version) for version in versions)
    if not parsed:
        raise ValueError("a standard has at least one version")
    for earlier, later in pairwise(parsed):
        if later.version <= earlier.version or later.effective_from < earlier.effective_from:
            raise ValueError("versions and effective dates ascend")
    return parsed


@lru_cache
def load_standards(package: str, kind: type[S], slice_name: str, file: str = "standards.yaml") -> tuple[S, ...]:
    """The versions that ship with the service, from `<slice_name>/<file>` of its package."""
    return parse_standards(kind, load_documents(package, slice_name, file))


def load_documents(package: str, slice_name: str, file: str = "standards.yaml") -> Sequence[Mapping[str, Any]]:
    """The same versions as the file has them."""
    text = files(package).joinpath(slice_name, file).read_text(encoding="utf-8")
    return cast("Sequence[Mapping[str, Any]]", yaml.safe_load(text)["versions"])


def standard_on(versions: Sequence[S], day: date) -> S:
    """The version in force on a business date; before the first one, the first (the sandbox replays older days)."""
    return next((version for version in reversed(versions) if version.effective_from <= day), versions[0])


def standard_of(versions: Sequence[S], number: int) -> S:
    """The version that a stored score names; raises `LookupError` if it was removed, which it must never be."""
    for version in versions:
        if version.version == number:
            return version
    raise LookupError(f"no version {number} of this standard")
