"""The committed contracts: one OpenAPI document per service and the AsyncAPI document, written from the code and held against it.

`docs/api/<service>.json`, `docs/asyncapi.json` and the catalogue of standards (`guanxi_contracts/standards`) are what the code says
now; `docs/api/released/<service>-<version>.json` and
`docs/api/released/events/<version>/` (a copy of the package's `schemas/` and `topics/`) are what was promised and must stay true.
"""

import importlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from guanxi_common.standards.kinds import Kind, body_of
from guanxi_contracts.asyncapi import build_document, render
from guanxi_contracts.compatibility import Release, compare_releases
from guanxi_contracts.openapi_compatibility import breaking_changes

Document = dict[str, Any]

_CATALOGUE = "libs/common/src/guanxi_contracts/standards"
_NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
_OURS = ("GUANXI_", "DATABASE_URL", "KEYS_DATABASE_URL", "BUS_DATABASE_URL", "KAFKA_")


def write_contracts(root: Path, services: Sequence[str]) -> list[Path]:
    """Write the documents of `services` (as `customer`) below the checkout `root`. Returns the files."""
    written = _documents(services)
    for name, text in written.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return [root / name for name in written]


def contract_problems(root: Path, services: Sequence[str]) -> list[str]:
    """What is wrong with the committed documents, one line each: stale, or breaking a release."""
    return [*_stale(root, _documents(services)), *_broken_operations(root), *_broken_events(root)]


def openapi_documents(services: Sequence[str]) -> dict[str, Document]:
    """The OpenAPI document of each service. Nothing is connected to: the applications are built with addresses of nothing."""
    with _addresses_of_nothing():
        return {service: importlib.import_module(f"{service}_svc.main").create_app().openapi() for service in services}


def _documents(services: Sequence[str]) -> dict[str, str]:
    """Text by path below the checkout."""
    apis = {f"docs/api/{service}-svc.json": _rendered(document) for service, document in openapi_documents(services).items()}
    return {**apis, "docs/asyncapi.json": render(build_document()), **_catalogue(services)}


def _catalogue(services: Sequence[str]) -> dict[str, str]:
    """The kinds of standards, each with its schema and the versions that ship."""
    kinds = {kind.name: (service, kind) for service in services for kind in importlib.import_module(f"{service}_svc.kinds").KINDS}
    return {f"{_CATALOGUE}/{name}.json": _rendered(_kind(service, kind)) for name, (service, kind) in kinds.items()}


def _kind(service: str, kind: Kind[Any]) -> Document:
    return {
        "kind": kind.name,
        "service": f"{service}-svc",
        "title": {"zh": kind.title.zh, "en": kind.title.en},
        "schema": kind.schema,
        "versions": [
            {
                "version": document["version"],
                "author": document["author"],
                "effective_from": document["effective_from"].isoformat(),
                "reason": " ".join(document["reason"].split()),
                "body": body_of(document),
            }
            for document in kind.documents
        ],
    }


def _rendered(document: Document) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


@contextmanager
def _addresses_of_nothing() -> Iterator[None]:
    """An environment that suffices to build an application, whatever the caller's is; secrets go to a folder that is deleted."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="guanxi-contracts-") as folder:
        for name in before:
            if name.startswith(_OURS):
                del os.environ[name]
        addresses = dict.fromkeys(("DATABASE_URL", "KEYS_DATABASE_URL", "BUS_DATABASE_URL"), _NOWHERE)
        os.environ.update({**addresses, "GUANXI_HOME": folder, "GUANXI_LOG_LEVEL": "ERROR"})
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def _stale(root: Path, present: Mapping[str, str]) -> Iterator[str]:
    for name, text in present.items():
        file = root / name
        if not file.is_file():
            yield f"{name} is missing: run `make docs`"
        elif file.read_text("utf-8") != text:
            yield f"{name} is stale: run `make docs`"


def _broken_operations(root: Path) -> Iterator[str]:
    for released in sorted((root / "docs/api/released").glob("*.json")):
        present = root / "docs/api" / f"{released.stem.rpartition('-')[0]}.json"
        if not present.is_file():
            yield f"{released.name}: its service is gone"
            continue
        changes = breaking_changes(json.loads(released.read_text("utf-8")), json.loads(present.read_text("utf-8")))
        yield from (f"breaks {released.stem}: {change}" for change in changes)


def _broken_events(root: Path) -> Iterator[str]:
    present = Release.read(Path(str(files("guanxi_contracts"))))
    for folder in sorted((root / "docs/api/released/events").glob("*/")):
        yield from (f"breaks events {folder.name}: {breach}" for breach in compare_releases(Release.read(folder), present))
