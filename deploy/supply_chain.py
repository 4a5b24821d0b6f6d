"""What an installation is made of: a CycloneDX SBOM, every licence against the house's list, every version against an advisory database.

Written to `build/`: `sbom.cdx.json` (of exactly what `requirements.txt` installs, as the container does) and `licences.csv`. Exits with 1
for a licence that nobody has accepted and for a known vulnerability. Where no advisory database answers, that check is skipped and one
loud line says so; `ADVISORIES_URL` names a mirror of the OSV service.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from license_expression import ExpressionError, get_spdx_licensing

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
LOCK = ROOT / "requirements.txt"
POLICY = ROOT / "deploy" / "licences.yaml"
NOT_CHECKED = "VULNERABILITIES NOT CHECKED: no advisory database can be had here"


@dataclass(frozen=True, slots=True)
class LicencePolicy:
    """`accepted`: SPDX identifiers and names of classifiers. `exceptions`: package → (what it declares, why that is accepted)."""

    accepted: frozenset[str]
    exceptions: Mapping[str, tuple[tuple[str, ...], str]]

    def refusal(self, package: str, declared: Sequence[str]) -> str | None:
        """Why the package's licence is not accepted, or None. Of several declarations each must be accepted."""
        if package in self.exceptions:
            expected, _ = self.exceptions[package]
            if tuple(sorted(declared)) == expected:
                return None
            return f"declares {_said(declared)}, and its exception is for {_said(expected)}"
        if not declared:
            return "declares no licence"
        refused = [licence for licence in declared if not self._accepts(licence)]
        return f"declares {_said(refused)}, which nobody has accepted" if refused else None

    def _accepts(self, declared: str) -> bool:
        if declared in self.accepted:
            return True
        try:
            parsed = get_spdx_licensing().parse(declared, validate=True)
        except ExpressionError:
            return False
        return parsed is not None and self._permits(parsed)

    def _permits(self, expression: Any) -> bool:
        """AND: every part is accepted; OR: the licensee chooses one that is."""
        operator = getattr(expression, "operator", "").strip()
        if operator in ("AND", "OR"):
            parts = [self._permits(part) for part in expression.args]
            return all(parts) if operator == "AND" else any(parts)
        return str(expression) in self.accepted


def _said(licences: Iterable[str]) -> str:
    return ", ".join(sorted(licences)) or "nothing"


def read_policy(text: str) -> LicencePolicy:
    """The policy of `deploy/licences.yaml`. Raises ValueError for an exception without a reason."""
    content = yaml.safe_load(text)
    exceptions = {}
    for package, exception in content["exceptions"].items():
        if not str(exception.get("reason", "")).strip():
            raise ValueError(f"the exception for {package} gives no reason")
        exceptions[package] = (tuple(sorted(exception["declares"])), exception["reason"])
    return LicencePolicy(frozenset(content["accepted"]), exceptions)


def licences_of(component: Mapping[str, Any]) -> list[str]:
    """What a component of the SBOM declares: expressions, SPDX identifiers or names."""
    declared = []
    for licence in component.get("licenses", []):
        chosen = licence.get("license", {})
        declared.append(licence.get("expression") or chosen.get("id") or chosen.get("name") or "unnamed")
    return declared


@dataclass(frozen=True, slots=True)
class Vulnerabilities:
    """`known`: package and version → advisories. `unchecked`: packages for which the database had no answer."""

    known: Mapping[str, Sequence[str]]
    checked: int
    unchecked: Sequence[str]


def read_audit(report: Mapping[str, Any]) -> Vulnerabilities:
    """The report of `pip-audit --format json`."""
    dependencies = report["dependencies"]
    known = {
        f"{dependency['name']} {dependency['version']}": [advisory["id"] for advisory in dependency["vulns"]]
        for dependency in dependencies
        if dependency.get("vulns")
    }
    unchecked = [dependency["name"] for dependency in dependencies if "skip_reason" in dependency]
    return Vulnerabilities(known, len(dependencies) - len(unchecked), unchecked)


def make_sbom(target: Path) -> list[dict[str, Any]]:
    """Install the lock into an environment of its own, describe it, and return the components."""
    scripts = Path(sys.executable).parent
    with tempfile.TemporaryDirectory(prefix="guanxi-sbom-") as folder:
        python = Path(folder) / "image" / "bin" / "python"
        _run(scripts / "uv", "venv", "--quiet", python.parent.parent)
        _run(scripts / "uv", "pip", "sync", "--quiet", "--python", python, "--require-hashes", LOCK)
        _run(scripts / "cyclonedx-py", "environment", "--of", "JSON", "--output-reproducible", "-o", target, python)
    components: list[dict[str, Any]] = json.loads(target.read_text(encoding="utf-8"))["components"]
    return components


def refused_licences(components: Sequence[Mapping[str, Any]], policy: LicencePolicy, target: Path) -> list[str]:
    """Write the list of licences; return what is not accepted."""
    refusals = []
    with target.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("package", "version", "licence"))
        for component in sorted(components, key=lambda component: str(component["name"]).lower()):
            declared = licences_of(component)
            rows.writerow((component["name"], component.get("version", ""), "; ".join(declared)))
            if (reason := policy.refusal(component["name"], declared)) is not None:
                refusals.append(f"{component['name']} {reason}")
    gone = policy.exceptions.keys() - {component["name"] for component in components}
    return [*refusals, *(f"{name} is not installed any more: take its exception out" for name in sorted(gone))]


def check_advisories() -> Vulnerabilities | None:
    """Ask the advisory database about every locked version; None where it cannot be reached."""
    mirror = os.environ.get("ADVISORIES_URL")
    service = ["--vulnerability-service", "osv", "--osv-url", mirror] if mirror else []
    tool = str(Path(sys.executable).parent / "pip-audit")
    command = [tool, "-r", str(LOCK), "--no-deps", "--disable-pip", "-f", "json", "--progress-spinner", "off", *service]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)  # noqa: S603  # the environment's own tool
    try:
        return read_audit(json.loads(done.stdout))
    except ValueError:
        return None


def _run(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True)  # noqa: S603  # the environment's own tools


def main() -> int:
    BUILD.mkdir(exist_ok=True)
    components = make_sbom(BUILD / "sbom.cdx.json")
    problems = refused_licences(components, read_policy(POLICY.read_text(encoding="utf-8")), BUILD / "licences.csv")
    print(f"{len(components)} components in build/sbom.cdx.json, their licences in build/licences.csv")
    vulnerabilities = check_advisories()
    if vulnerabilities is None or not vulnerabilities.checked:
        print(NOT_CHECKED)
    else:
        print(
            f"{vulnerabilities.checked} versions compared with the advisories; not known there: {_said(vulnerabilities.unchecked)}"
        )
        problems += [f"{version}: {', '.join(ids)}" for version, ids in vulnerabilities.known.items()]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
