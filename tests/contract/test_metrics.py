"""8.B.7: what is declared as a metric is set. One that is declared and never set exports 0, and 0 looks healthy."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
KINDS = {"Counter", "Gauge", "Histogram", "Summary"}
SETTERS = {"inc", "dec", "set", "observe", "time", "set_function", "set_to_current_time", "count_exceptions", "track_inprogress"}


def sources() -> Iterator[ast.Module]:
    for folder in (ROOT / "libs", ROOT / "services"):
        for file in sorted(folder.glob("*/src/**/*.py")):
            yield ast.parse(file.read_text("utf-8"), str(file))


def declared(module: ast.Module) -> Mapping[str, str]:
    """The metrics that stand on a module's own level: their names, by the variable."""
    found = {}
    for node in module.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target if isinstance(node, ast.AnnAssign) else None
        call = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
        if isinstance(target, ast.Name) and isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            name = call.args[0] if call.func.id in KINDS and call.args else None
            if isinstance(name, ast.Constant) and str(name.value).startswith("guanxi_"):
                found[target.id] = str(name.value)
    return found


def is_set(module: ast.Module) -> Iterator[str]:
    """The variables of which a value is set: `NAME.inc()`, `NAME.labels(…).set(…)`, `module.NAME.observe(…)`."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SETTERS:
            held = node.func.value
            if isinstance(held, ast.Call) and isinstance(held.func, ast.Attribute) and held.func.attr == "labels":
                held = held.func.value
            if isinstance(held, ast.Name):
                yield held.id
            elif isinstance(held, ast.Attribute):
                yield held.attr


def test_every_metric_that_is_declared_is_set() -> None:
    modules = list(sources())
    metrics = {variable: name for module in modules for variable, name in declared(module).items()}
    assert len(metrics) > 20
    used = {variable for module in modules for variable in is_set(module)}
    never = sorted(name for variable, name in metrics.items() if variable not in used)
    assert never == [], "set them where the thing happens, or delete them"


def test_no_two_metrics_share_a_variable() -> None:
    """Else the first could be taken for set by the second."""
    names = [variable for module in sources() for variable in declared(module)]
    assert sorted(names) == sorted(set(names))


def test_metrics_are_declared_on_a_modules_own_level() -> None:
    """Where the first test looks for them."""
    modules = list(sources())
    made = sum(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in KINDS
        and bool(node.args)
        and str(getattr(node.args[0], "value", "")).startswith("guanxi_")
        for module in modules
        for node in ast.walk(module)
    )
    assert made == sum(len(declared(module)) for module in modules)
