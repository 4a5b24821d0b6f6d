"""8.A: a new slice touches its own folder, its migration, its contract files and one line (docs/guides/thin-slice.md)."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs/guides/thin-slice.md"
BLOCK = re.compile(r"```python\n# (interests/\w+\.py)\n(.*?)```", re.DOTALL)

BUILD = """
import sys
from types import SimpleNamespace
import customer_svc
from guanxi_common.http.app import create_service_app
from guanxi_common.http.settings import HttpSettings
from guanxi_common.jobs import WorkerParts

customer_svc.__path__.append(sys.argv[1])
from customer_svc import slices
from customer_svc.interests.policy import MOST, is_full
from customer_svc.interests.slice import INTERESTS

house = slices.Slices(*slices.SLICES.slices, INTERESTS)
parts = SimpleNamespace()
app = create_service_app(
    HttpSettings(secrets=(b"s" * 32,)), parts, routers=house.routers, hot_routes=house.hot_routes, title="t", description="d"
)
path = app.openapi()["paths"]["/v1/customers/{customer_id}/interests"]
assert {method: operation["operationId"] for method, operation in path.items()} == {"post": "recordInterest", "get": "listInterests"}
assert path["post"]["x-permission"] == "customer.change"
many = [f"interest_{n}" for n in range(MOST)]
assert (is_full(many, "tea"), is_full(many, many[0]), is_full(many[1:], "tea")) == (True, False, False)
print("built")
"""


def test_the_thin_slice_of_the_guide_is_one_of_the_service_by_its_folder_and_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "interests"
    folder.mkdir()
    blocks = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    for name, code in blocks:
        (tmp_path / name).write_text(code, encoding="utf-8")
    assert {name.removeprefix("interests/").removesuffix(".py") for name, _ in blocks} == {
        *("__init__", "policy", "tables", "repository", "schemas", "errors", "service", "routes", "slice")
    }
    # The order of imports goes by where the package stands, which here is not its place.
    tidy = ("check", "--quiet", "--ignore", "I001", "--config", str(ROOT / "pyproject.toml"))
    subprocess.run([sys.executable, "-m", "ruff", *tidy, str(folder)], check=True, timeout=60)
    built = subprocess.run([sys.executable, "-c", BUILD, str(tmp_path)], check=False, capture_output=True, text=True, timeout=120)
    assert built.stdout == "built\n", built.stderr


def test_the_files_that_the_guide_names_are_there() -> None:
    named = re.findall(r"`((?:services|tests|libs|docs)/[\w./-]+|pyproject\.toml)`", GUIDE.read_text(encoding="utf-8"))
    shared = [name for name in named if "interests" not in name and "YYYY" not in name]
    assert len(shared) >= 5
    assert [name for name in shared if not (ROOT / name).exists()] == []
