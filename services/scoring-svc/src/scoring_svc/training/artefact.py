"""A model on disk: `model.json` (all that is text), `members.skops` (the fitted estimators) and `card.md`. Never pickle."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import skops.io

from scoring_svc.training.encoder import CategoryColumn, Encoder, NumberColumn
from scoring_svc.training.estimators import Kind
from scoring_svc.training.model import Calibration, Model

FORMAT: Final = 1
_TRUSTED: Final = frozenset(
    {
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMClassifier",
        "collections.OrderedDict",
        "collections.defaultdict",
    }
)
"""Types beyond those that skops trusts by itself: the insides of the boosted trees. A file with any other is refused."""


class UnreadableModel(ValueError):
    """A folder that holds no whole model of this format, or one that would run code of its own."""


def save_model(model: Model, folder: Path, card: str) -> None:
    """Write the model into an existing or new folder. `model.json` names the digest of the members."""
    folder.mkdir(parents=True, exist_ok=True)
    members = skops.io.dumps(list(model.members))
    (folder / "members.skops").write_bytes(members)
    text = {
        "format": FORMAT,
        "kind": model.kind.value,
        "setting": dict(model.setting),
        "columns": [{"type": type(column).__name__, **asdict(column)} for column in model.encoder.columns],
        "left_out": list(model.encoder.left_out),
        "calibration": asdict(model.calibration),
        "centre": model.centre.tolist(),
        "base": model.base,
        "rows": model.rows,
        "positives": model.positives,
        "seed": model.seed,
        "members_sha256": hashlib.sha256(members).hexdigest(),
    }
    (folder / "model.json").write_text(json.dumps(text, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (folder / "card.md").write_text(card, encoding="utf-8")


def load_model(folder: Path) -> Model:
    """Read a model back; it predicts to the bit what it did. Raises `UnreadableModel`."""
    try:
        text = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        members = (folder / "members.skops").read_bytes()
    except (OSError, ValueError) as error:
        raise UnreadableModel(f"no model in {folder}: {error}") from error
    if text.get("format") != FORMAT or hashlib.sha256(members).hexdigest() != text.get("members_sha256"):
        raise UnreadableModel(f"{folder}: another format, or model.json and members.skops do not belong together")
    foreign = set(skops.io.get_untrusted_types(data=members)) - _TRUSTED
    if foreign:
        raise UnreadableModel(f"{folder}: members.skops holds types that are not trusted: {', '.join(sorted(foreign))}")
    return Model(
        kind=Kind(text["kind"]),
        setting=text["setting"],
        encoder=Encoder(tuple(_column(column) for column in text["columns"]), tuple(text["left_out"])),
        members=tuple(skops.io.loads(members, trusted=sorted(_TRUSTED))),
        calibration=Calibration(**text["calibration"]),
        centre=np.array(text["centre"]),
        base=text["base"],
        rows=text["rows"],
        positives=text["positives"],
        seed=text["seed"],
    )


def _column(text: dict[str, Any]) -> NumberColumn | CategoryColumn:
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in text.items() if name != "type"
    }
    return NumberColumn(**values) if text["type"] == "NumberColumn" else CategoryColumn(**values)
