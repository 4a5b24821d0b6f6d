"""What a score is by, as its `model_version` says it: the one place that writes the text and reads it. Pure."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

_TRAINED: Final = "retention-"
_RULES: Final = "retention-rules-"
_RHYTHM: Final = "bgnbd-"
_NONE: Final = "none"


@dataclass(frozen=True, slots=True)
class Versions:
    """The rules, the fit of the lifetime model, and the trained model where one gave the risk. `str` and `parse` are each other's
    inverse: `retention-3+retention-rules-1+bgnbd-none`."""

    rules: int
    lifetime: UUID | None
    trained: int | None = None

    def __str__(self) -> str:
        trained = [f"{_TRAINED}{self.trained}"] if self.trained is not None else []
        return "+".join([*trained, f"{_RULES}{self.rules}", f"{_RHYTHM}{self.lifetime or _NONE}"])

    @classmethod
    def parse(cls, text: str) -> "Versions":
        """Raises `ValueError` for what no version of this service has written."""
        *trained, rules, rhythm = text.split("+") if text.count("+") in (1, 2) else ("", "", "")
        if not rules.startswith(_RULES) or not rhythm.startswith(_RHYTHM):
            raise ValueError("not the versions of a score")
        fit = rhythm.removeprefix(_RHYTHM)
        return cls(
            int(rules.removeprefix(_RULES)),
            None if fit == _NONE else UUID(fit),
            trained_number(trained[0]) if trained else None,
        )


def trained_number(version: str) -> int:
    """The number of a trained model's version, such as `retention-3`; raises `ValueError`."""
    return int(version.removeprefix(_TRAINED))
