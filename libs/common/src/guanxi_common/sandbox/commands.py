"""What `guanxi load-sandbox` and `guanxi replay` do against services that are running with the local issuer."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from guanxi_common.clock import SystemClock
from guanxi_common.http.client import ApiClient, open_http
from guanxi_common.sandbox.berka import FOLDER, read_berka
from guanxi_common.sandbox.console import progress_bars
from guanxi_common.sandbox.intake import IntakeReport, replay
from guanxi_common.sandbox.loader import CORE_BANKING, LoadReport, load_sandbox
from guanxi_common.sandbox.state import StateFile
from guanxi_common.security.issuer import LocalIssuer

PRESIDENT = "president"
"""The member of staff who must be in the directory, with the role `head_office`, before the sandbox is loaded."""


async def load_into(customer_url: str, home: Path, zone: ZoneInfo, folder: Path = FOLDER) -> LoadReport:
    """Load the sandbox into the customer-svc at `customer_url`; `home` is `.guanxi`.

    Raises `ApiError`, `SandboxRejected`, `FileNotFoundError`.
    """
    issuer = LocalIssuer(home / "issuer", SystemClock())
    async with open_http(customer_url) as http:
        with progress_bars() as progress:
            return await load_sandbox(
                ApiClient(http, issuer.issue(PRESIDENT)),
                ApiClient(http, issuer.issue(CORE_BANKING, kind="client")),
                read_berka(folder),
                StateFile(home / "sandbox.json"),
                datetime.now(zone).date(),
                progress=progress,
            )


async def replay_into(customer_url: str, home: Path, dataset: Path, *, shift: bool = False) -> IntakeReport:
    """Replay a CSV file as core banking; with `shift`, its dates moved as the sandbox's are (nought before a load).

    Raises `DatasetError`, `ApiError`.
    """
    issuer = LocalIssuer(home / "issuer", SystemClock())
    file = StateFile(home / "sandbox.json")
    async with open_http(customer_url) as http:
        with progress_bars() as progress:
            api = ApiClient(http, issuer.issue(CORE_BANKING, kind="client"))
            return await replay(api, dataset, file, shift=file.known_shift if shift else None, progress=progress)
