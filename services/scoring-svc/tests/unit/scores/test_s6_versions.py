"""S6: what a score is by is written and read in one place."""

from uuid import UUID

import pytest
from scoring_svc.scores.versions import Versions

FIT = UUID("0192f0c1-9b7e-7c3a-8f57-5f2f8b1e4a12")


@pytest.mark.parametrize(
    ("versions", "text"),
    [
        (Versions(1, None), "retention-rules-1+bgnbd-none"),
        (Versions(2, FIT), f"retention-rules-2+bgnbd-{FIT}"),
        (Versions(1, None, 3), "retention-3+retention-rules-1+bgnbd-none"),
        (Versions(12, FIT, 0), f"retention-0+retention-rules-12+bgnbd-{FIT}"),
    ],
)
def test_s6_versions_are_written_and_read(versions: Versions, text: str) -> None:
    assert str(versions) == text
    assert Versions.parse(text) == versions


@pytest.mark.parametrize(
    "text",
    [
        "",
        "retention-rules-1",
        "bgnbd-none",
        "retention-rules-x+bgnbd-none",
        "retention-rules-1+bgnbd-1",
        "retention-x+retention-rules-1+bgnbd-none",
        "bgnbd-none+retention-rules-1",
        "a+retention-3+retention-rules-1+bgnbd-none",
    ],
)
def test_s6_what_nobody_has_written_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Versions.parse(text)
