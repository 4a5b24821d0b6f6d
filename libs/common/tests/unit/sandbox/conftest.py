"""The data set is read once for all tests of the sandbox."""

from pathlib import Path

import pytest
from guanxi_common.sandbox.berka import Berka, read_berka

FOLDER = Path(__file__).parents[5] / "deploy/sandbox/berka"


@pytest.fixture(scope="session")
def berka() -> Berka:
    return read_berka(FOLDER)
