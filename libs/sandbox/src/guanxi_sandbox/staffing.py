"""The sandbox bank's organisation: the data's regions become outlets, with generated staff, and every customer gets an RM.

A pure function of the data set: the same bank at every load, and a part of the data (`Berka.only`) keeps its outlets and RMs.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from faker import Faker

from guanxi_sandbox.berka import Account, Berka

HEAD_OFFICE = "head-office"
_FEMALE_CHANCE = 60  # per cent


@dataclass(frozen=True, slots=True)
class Outlet:
    """A node of the tree; `parent` is a code."""

    code: str
    name: str
    kind: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class StaffMember:
    """`subject` is the identity in tokens; `outlet` is a code, `reports_to` a subject. Names are generated."""

    subject: str
    name: str
    role: str
    outlet: str
    reports_to: str | None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a customer is kept and who looks after them: an outlet's code, two subjects."""

    client_id: int
    outlet: str
    rm: str
    assistant: str


@dataclass(frozen=True, slots=True)
class _Branch:
    """One region of the data: an outlet with as many RMs as its accounts need (72 to 142 each)."""

    berka_region: str
    code: str
    name: str
    region: str
    rms: int


_REGIONS = {"central": "中部分行", "bohemia": "波希米亚分行", "moravia": "摩拉维亚分行"}
_BRANCHES = (
    _Branch("Prague", "prague", "布拉格支行", "central", 2),
    _Branch("central Bohemia", "central-bohemia", "中波希米亚支行", "central", 2),
    _Branch("south Bohemia", "south-bohemia", "南波希米亚支行", "bohemia", 1),
    _Branch("west Bohemia", "west-bohemia", "西波希米亚支行", "bohemia", 1),
    _Branch("north Bohemia", "north-bohemia", "北波希米亚支行", "bohemia", 1),
    _Branch("east Bohemia", "east-bohemia", "东波希米亚支行", "bohemia", 1),
    _Branch("south Moravia", "south-moravia", "南摩拉维亚支行", "moravia", 2),
    _Branch("north Moravia", "north-moravia", "北摩拉维亚支行", "moravia", 2),
)
_BRANCH_OF = {branch.berka_region: branch for branch in _BRANCHES}


def outlets() -> tuple[Outlet, ...]:
    """Head office, three regions, eight outlets; every parent before its children."""
    return (
        Outlet(HEAD_OFFICE, "总行", "head_office", None),
        *(Outlet(code, name, "region", HEAD_OFFICE) for code, name in _REGIONS.items()),
        *(Outlet(branch.code, branch.name, "traditional", branch.region) for branch in _BRANCHES),
    )


def staff() -> tuple[StaffMember, ...]:
    """Everybody who works there; every superior before those who report to them."""
    faker = Faker("zh_CN")

    def member(subject: str, role: str, outlet: str, reports_to: str | None) -> StaffMember:
        faker.seed_instance(f"staff|{subject}")
        female = faker.random.randrange(100) < _FEMALE_CHANCE
        return StaffMember(subject, faker.name_female() if female else faker.name_male(), role, outlet, reports_to)

    return tuple(member(*post) for post in _posts())


def placements(data: Berka) -> Iterator[Placement]:
    """One for every client, authorised persons included: the branch's outlet, one of its RMs, the region's assistant."""
    for account in data.accounts.values():
        branch = _BRANCH_OF[data.districts[account.district_id].region]
        for client_id in (account.owner_id, *account.authorised_ids):
            yield Placement(client_id, branch.code, _rm_of(account, branch), f"assistant-{branch.region}")


def _rm_of(account: Account, branch: _Branch) -> str:
    return f"rm-{branch.code}-{account.account_id % branch.rms + 1}"


def _posts() -> Iterator[tuple[str, str, str, str | None]]:
    """Subject, role, outlet and superior of every post."""
    yield "president", "head_office", HEAD_OFFICE, None
    yield "compliance", "compliance_officer", HEAD_OFFICE, "president"
    yield "operations", "operations", HEAD_OFFICE, "president"
    yield "information-desk", "information_desk", HEAD_OFFICE, "president"
    for region in _REGIONS:
        yield f"manager-{region}", "outlet_manager", region, "president"
        yield f"assistant-{region}", "rm_assistant", region, f"manager-{region}"
    for branch in _BRANCHES:
        manager = f"manager-{branch.code}"
        yield manager, "outlet_manager", branch.code, f"manager-{branch.region}"
        lead = manager
        if branch.rms > 1:
            lead = f"lead-{branch.code}"
            yield lead, "team_lead", branch.code, manager
        for number in range(1, branch.rms + 1):
            yield f"rm-{branch.code}-{number}", "relationship_manager", branch.code, lead
        yield f"lobby-{branch.code}", "lobby_manager", branch.code, manager
        yield f"teller-{branch.code}", "teller", branch.code, manager
