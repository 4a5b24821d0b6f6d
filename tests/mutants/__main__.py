"""Remove each rule in a copy of the source and run its test there; exit 1 if a test passes without its rule.

With words as arguments, only the rules whose name, file or test holds one of them.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from rich.console import Console
from rich.table import Table

from tests.mutants.access_rules import ACCESS_RULES
from tests.mutants.asvs_edge_rules import ASVS_EDGE_RULES
from tests.mutants.asvs_house_rules import ASVS_HOUSE_RULES
from tests.mutants.asvs_rules import ASVS_RULES
from tests.mutants.audit_rules import AUDIT_RULES
from tests.mutants.budget_rules import BUDGET_RULES
from tests.mutants.customer_rules import CUSTOMER_RULES
from tests.mutants.duties_rules import DUTIES_RULES
from tests.mutants.edge_rules import EDGE_RULES
from tests.mutants.epochs_rules import EPOCHS_RULES
from tests.mutants.intake_rules import INTAKE_RULES
from tests.mutants.items_rules import ITEMS_RULES
from tests.mutants.ops_rules import OPS_RULES
from tests.mutants.parts_rules import PARTS_RULES
from tests.mutants.people_rules import PEOPLE_RULES
from tests.mutants.records_rules import RECORDS_RULES
from tests.mutants.restore_rules import RESTORE_RULES
from tests.mutants.roles_rules import ROLES_RULES
from tests.mutants.rules import HOUSE, MESSAGING_RULES, SIMULATION, Rule
from tests.mutants.scoring_rules import SCORING_RULES
from tests.mutants.service_rules import SERVICE_RULES
from tests.mutants.simulation_rules import SIMULATION_RULES
from tests.mutants.std_rules import STD_RULES
from tests.mutants.touches_rules import TOUCHES_RULES
from tests.mutants.transport_rules import TRANSPORT_RULES
from tests.mutants.values_rules import VALUES_RULES
from tests.mutants.work_rules import WORK_RULES

ROOT: Final = Path(__file__).parents[2]
RULES: Final = (
    *ACCESS_RULES,
    *RESTORE_RULES,
    *MESSAGING_RULES,
    *SERVICE_RULES,
    *SCORING_RULES,
    *AUDIT_RULES,
    *ASVS_RULES,
    *ASVS_EDGE_RULES,
    *ASVS_HOUSE_RULES,
    *BUDGET_RULES,
    *CUSTOMER_RULES,
    *DUTIES_RULES,
    *TOUCHES_RULES,
    *EDGE_RULES,
    *INTAKE_RULES,
    *ITEMS_RULES,
    *RECORDS_RULES,
    *OPS_RULES,
    *PARTS_RULES,
    *EPOCHS_RULES,
    *TRANSPORT_RULES,
    *ROLES_RULES,
    *PEOPLE_RULES,
    *SIMULATION_RULES,
    *STD_RULES,
    *WORK_RULES,
    *VALUES_RULES,
)
SEEDS: Final = 100
TIME_LIMIT: Final = 300.0
_SIMULATE: Final = f"from guanxi_testing.simulation import run_seed\nfor seed in range({SEEDS}): run_seed(seed)"

Verdict = Literal["caught", "SURVIVED", "BROKEN"]


@dataclass(frozen=True, slots=True)
class Result:
    rule: Rule
    verdict: Verdict
    seconds: float


def check(rule: Rule) -> Result:
    """Run the rule's test without the rule. BROKEN: the rule's text is not there once, or the test did not run."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="guanxi-mutant-") as folder:
        copy = Path(folder)
        _copy(rule.package, copy)
        source = (copy / rule.path).read_text("utf-8")
        if source.count(rule.text) != 1:
            return Result(rule, "BROKEN", 0.0)
        (copy / rule.path).write_text(source.replace(rule.text, rule.without), "utf-8")
        sources = [*copy.glob("libs/*/src"), *copy.glob("services/*/src")]
        verdict = _verdict(run([rule.test], sources, root=copy if rule.package == HOUSE else ROOT))
    return Result(rule, verdict, time.monotonic() - began)


def _copy(package: str, to: Path) -> None:
    """The package without its tests, or what git keeps of the whole repository, and what it is to keep."""
    if package != HOUSE:
        shutil.copytree(ROOT / package, to / package, ignore=shutil.ignore_patterns("__pycache__", "tests"))
        return
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name, follow_symlinks=False)


def _verdict(status: int | None) -> Verdict:
    """A test that never ends notices too."""
    if status == 0:
        return "SURVIVED"
    return "caught" if status in (1, None) else "BROKEN"


def run(tests: list[str], sources: Sequence[Path] = (), root: Path = ROOT) -> int | None:
    """Run the tests, with `sources` in the place of ours; the exit status (1: a test failed), None after the time limit."""
    command = ["-c", _SIMULATE] if tests == [SIMULATION] else ["-m", "pytest", "-x", "-q", *tests]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.pathsep.join(map(str, sources))}
    process = subprocess.Popen(
        [sys.executable, *command], cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        return process.wait(TIME_LIMIT if sources else None)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait()
        return None


def chosen(words: Sequence[str]) -> list[Rule]:
    """The rules that a word stands in; all without words."""
    return [rule for rule in RULES if not words or any(word in f"{rule.name} {rule.file} {rule.test}" for word in words)]


def main(words: Sequence[str]) -> int:
    console, rules = Console(), chosen(words)
    tests = sorted({rule.test for rule in rules} - {SIMULATION})
    simulated = [[SIMULATION]] if any(rule.test == SIMULATION for rule in rules) else []
    with ThreadPoolExecutor(int(os.environ.get("WORKERS", os.cpu_count() or 1))) as pool:
        if any(pool.map(run, [tests, *simulated] if tests else simulated)):
            console.print("a test fails with every rule in place: nothing is shown", style="red")
            return 2
        results = []
        for result in pool.map(check, rules):
            results.append(result)
            console.print(f"{result.verdict:8}  {result.rule.name}")
    table = Table("rule removed", "verdict", "seconds", "test", title="Mutants")
    for result in results:
        style = None if result.verdict == "caught" else "red"
        test = result.rule.test.rpartition("/")[2]
        table.add_row(result.rule.name, result.verdict, f"{result.seconds:.1f}", test, style=style)
    console.print(table)
    alive = sum(result.verdict != "caught" for result in results)
    console.print(f"{len(results)} rules, {len(results) - alive} caught")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
