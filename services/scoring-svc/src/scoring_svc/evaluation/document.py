"""The written form: `evaluation.md`, `evaluation.json` beside it, and the calibration plots in a folder of the same name."""

import json
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from scoring_svc.evaluation.picture import calibration_svg
from scoring_svc.evaluation.run import Evaluation

_HEAD: Final = """# Evaluation on real data

Written by `make evaluate` from the public sets in this repository; origin and citation stand beside each of them (`ORIGIN.md`). The
figures are those of rows that the model did not see. Settings, encoding and calibration are chosen by folds inside the training rows.
The interval is the 95 % one over rows (DeLong for AUC, bootstrap for average precision), not over choices of the model. *Reference* is
what others reached under the stated protocol; a gate holds where ours is not more than 0.01 below it. *Lift* is our AUC less the
baseline's on the same rows, with its interval; over folds it is that of the predictions averaged over the seeds.
"""
_NOTES: Final = """
## What to know when reading this

- **Random folds are no test over time.** On bank marketing the same model that has an AUC of .79 on random folds has far less in time
  order. The reference does not state its windows: quarters from the second year on are ours; in the first of five windows of equal
  rows nearly all that is known is one month, and no model orders it better than chance. Both are shown.
- **Berka**: features at the cut of 1997-12-31 only; what an account held is recomputed from the dates of loans and cards. Orders carry no
  date and are left out; so are `has_loan`, `has_card`, `n_orders` and `order_amount_sum`, which know the future.
- **Decline regresses to the mean**: both labels of decline share a denominator with a feature, so part of what a model finds is that an
  unusually good year is followed by a usual one. The baseline sees the same denominator. The lowest tenth is that of all accounts, since
  1998 against 1997 is the only pair of years: a service would fix the threshold on an earlier cut.
- **Loans**: tenure alone orders them well; the lift over it is what the model adds.
- **Out of time** (card, loan): static features, since transactions of the earlier cuts are not in the repository; reported, not gated.
- **Never rank customers by P(alive) alone**: a customer who bought once has P = 1, and the order is worse than chance.
"""


def write(evaluation: Evaluation, document: Path) -> None:
    """Write the document, its json and its plots; older plots of the same names are replaced."""
    folder = document.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    for task, curves in groupby(evaluation.curves, key=lambda curve: curve.task):
        chosen = tuple(curves)
        (folder / f"{task}.svg").write_text(calibration_svg(chosen[0].title, chosen), encoding="utf-8")
    document.with_suffix(".json").write_text(
        json.dumps(as_json(evaluation), ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    document.write_text(as_markdown(as_json(evaluation), folder.name), encoding="utf-8")


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "quick": evaluation.quick,
        "figures": [asdict(figure) for figure in evaluation.figures],
        "calibration": [asdict(curve) for curve in evaluation.curves],
        "lifetime": [{**asdict(check), "holds": check.holds} for check in evaluation.checks],
        "failed": list(evaluation.failed),
        "missing": list(evaluation.missing),
    }


def as_markdown(text: dict[str, Any], folder: str) -> str:
    """The document of a stored evaluation; rendering it again gives the same bytes."""
    failed = text["failed"]
    verdict = "All gates hold." if not failed else "**Gates that do not hold:** " + "; ".join(failed) + "."
    quick = "\nThis is a quick run: one seed, the logistic model, the fast tasks.\n" if text["quick"] else ""
    missing = f"\nNot in this run: {'; '.join(text['missing'])}.\n" if text["missing"] else ""
    parts = [_HEAD, quick, f"\n{verdict}\n", missing, "\n## Yes-or-no outcomes\n"]
    for title, figures in groupby(text["figures"], key=lambda figure: figure["title"]):
        parts.append(_task(title, list(figures), text["calibration"], folder))
    return "".join([*parts, _lifetime(text["lifetime"]), _NOTES])


def _task(title: str, figures: list[dict[str, Any]], curves: list[dict[str, Any]], folder: str) -> str:
    first = figures[0]
    lines = [
        f"\n### {title}\n",
        f"{first['rows']:,} rows held out, {first['positives']:,} positive. {first['protocol'][0].upper()}{first['protocol'][1:]}.\n",
        f"| Model | Measure | Ours | Reference | Above | Baseline ({first['baseline']}) | Lift | Gate |",
        "|---|---|---|---|---|---|---|---|",
        *(_line(figure) for figure in figures),
        "",
    ]
    own = [curve for curve in curves if curve["task"] == first["task"]]
    lines += [
        "Calibration error " + ", ".join(f"{c['model']} {c['error']:.3f} (Brier {c['brier']:.4f})" for c in own) + ".\n",
        f"![Calibration: {title}]({folder}/{first['task']}.svg)",
    ]
    return "\n".join(lines) + "\n"


def _line(figure: dict[str, Any]) -> str:
    reference = figure["reference"]
    lift = "–" if figure["lift"] is None else _estimate(figure["lift"], sign="+")
    cells = [
        figure["model"],
        figure["measure"],
        _estimate(figure["ours"]),
        "–" if reference is None else f"{reference:.3f}",
        "–" if reference is None else f"{figure['ours']['value'] - reference:+.3f}",
        "–" if figure["baseline_value"] is None else f"{figure['baseline_value']:.3f}",
        lift,
        _verdict(figure["holds"]),
    ]
    return "| " + " | ".join(cells) + " |"


def _lifetime(checks: list[dict[str, Any]]) -> str:
    lines = [
        "\n## Lifetime models on CDNOW\n",
        "2,357 customers, calibration to 1997-09-30, weeks and dollars.\n",
        "| Figure | Ours | Reference | May differ by | Gate |",
        "|---|---|---|---|---|",
    ]
    for check in checks:
        digits = check["digits"]
        ours, reference = f"{check['ours']:,.{digits}f}", f"{check['reference']:,.{digits}f}"
        lines.append(f"| {check['name']} | {ours} | {reference} | {check['tolerance']:g} | {_verdict(check['holds'])} |")
    return "\n".join(lines) + "\n"


def _estimate(value: dict[str, float], sign: str = "") -> str:
    return f"{value['value']:{sign}.3f} [{value['low']:{sign}.3f}, {value['high']:{sign}.3f}]"


def _verdict(holds: bool | None) -> str:
    return "–" if holds is None else ("holds" if holds else "**fails**")
