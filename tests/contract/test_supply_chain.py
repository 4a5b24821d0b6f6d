"""7.15: what is installed is listed, its licences are accepted by name, known vulnerabilities stop the build."""

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def supply() -> ModuleType:
    spec = spec_from_file_location("supply_chain", ROOT / "deploy" / "supply_chain.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("declared", "accepted"),
    [
        (["MIT"], True),
        (["BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0"], True),
        (["Apache-2.0 OR GPL-3.0-only"], True),  # the licensee chooses
        (["MIT AND GPL-3.0-only"], False),
        (["MIT OR (Apache-2.0 AND AGPL-3.0-only)"], True),
        (["AGPL-3.0-only OR (Apache-2.0 AND GPL-2.0-only)"], False),
        (["GPL-3.0-only"], False),
        (["MIT", "GPL-3.0-only"], False),  # two declarations: each counts
        (["License :: OSI Approved :: Apache Software License"], True),
        (["License :: Other/Proprietary License"], False),
        (["Apache-2.0 WITH LLVM-exception"], False),  # an exception is another licence
        ([], False),
    ],
)
def test_a_licence_is_accepted_by_name(supply: ModuleType, declared: list[str], accepted: bool) -> None:
    policy = supply.read_policy((ROOT / "deploy" / "licences.yaml").read_text())
    assert (policy.refusal("some-package", declared) is None) is accepted


def test_an_exception_holds_for_what_its_package_declared_and_needs_a_reason(supply: ModuleType) -> None:
    policy = supply.read_policy("accepted: [MIT]\nexceptions: {odd: {declares: [GPL-3.0-only], reason: run beside us}}")
    assert policy.refusal("odd", ["GPL-3.0-only"]) is None
    assert "exception is for" in policy.refusal("odd", ["AGPL-3.0-only"])
    assert policy.refusal("other", ["GPL-3.0-only"])
    with pytest.raises(ValueError, match="no reason"):
        supply.read_policy("accepted: [MIT]\nexceptions: {odd: {declares: [GPL-3.0-only], reason: ' '}}")


def test_every_refused_licence_and_every_outlived_exception_is_listed(supply: ModuleType, tmp_path: Path) -> None:
    policy = supply.read_policy("accepted: [MIT]\nexceptions: {gone: {declares: [X], reason: once}}")
    components = [
        {"name": "good", "version": "1", "licenses": [{"license": {"id": "MIT"}}]},
        {"name": "bad", "version": "2", "licenses": [{"expression": "GPL-3.0-only"}]},
        {"name": "silent", "version": "3"},
    ]
    refusals = supply.refused_licences(components, policy, tmp_path / "licences.csv")
    assert [refusal.split()[0] for refusal in refusals] == ["bad", "silent", "gone"]
    assert (tmp_path / "licences.csv").read_text().splitlines() == [
        "package,version,licence", "bad,2,GPL-3.0-only", "good,1,MIT", "silent,3,",
    ]  # fmt: skip


def test_an_audit_report_says_what_is_vulnerable_and_what_nobody_knew(supply: ModuleType) -> None:
    report = {
        "dependencies": [
            {"name": "jinja2", "version": "2.4.1", "vulns": [{"id": "PYSEC-2014-8"}, {"id": "PYSEC-2019-217"}]},
            {"name": "anyio", "version": "4.0", "vulns": []},
            {"name": "private", "skip_reason": "Dependency not found"},
        ]
    }
    read = supply.read_audit(report)
    assert read.known == {"jinja2 2.4.1": ["PYSEC-2014-8", "PYSEC-2019-217"]}
    assert (read.checked, read.unchecked) == (2, ["private"])


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-run.txt", "requirements-dev.txt", "requirements-bench.txt"])
def test_every_locked_version_has_its_hashes_and_no_address_of_its_own(lock: str) -> None:
    """So another index, or another package of the name, gives the same bytes or nothing."""
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text("utf-8"))
    packages = [entry for entry in entries if not entry.startswith("#")]
    assert packages
    for package in packages:
        assert re.match(r"[a-z0-9.-]+==\S+", package), package.splitlines()[0]
        assert "--hash=sha256:" in package, package.splitlines()[0]
        assert "://" not in package, package.splitlines()[0]
