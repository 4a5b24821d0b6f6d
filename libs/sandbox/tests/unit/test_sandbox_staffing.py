"""The bank's organisation is a tree, everybody has a superior in it, and every customer an RM of their own outlet."""

from collections import Counter

from guanxi_sandbox.staffing import outlets, placements, staff


def test_outlets_form_one_tree_parents_first():
    seen: set[str] = set()
    for outlet in outlets():
        assert outlet.parent is None or outlet.parent in seen
        seen.add(outlet.code)
    assert [outlet.code for outlet in outlets() if outlet.parent is None] == ["head-office"]
    assert Counter(outlet.kind for outlet in outlets()) == {"head_office": 1, "region": 3, "traditional": 8}


def test_superiors_come_first_and_every_role_is_filled():
    seen: set[str] = set()
    for member in staff():
        assert member.reports_to is None or member.reports_to in seen
        assert member.name
        seen.add(member.subject)
    assert len(seen) == len(staff())
    assert Counter(member.role for member in staff()) == {
        "relationship_manager": 12,
        "rm_assistant": 3,
        "team_lead": 4,
        "teller": 8,
        "lobby_manager": 8,
        "outlet_manager": 11,
        "compliance_officer": 1,
        "operations": 1,
        "information_desk": 1,
        "head_office": 1,
    }


def test_staff_are_the_same_every_time():
    assert staff() == staff()


def test_every_client_has_an_rm_of_their_outlet(berka):
    of_subject = {member.subject: member for member in staff()}
    placed = list(placements(berka))
    assert {place.client_id for place in placed} == set(berka.clients)
    assert len(placed) == len(berka.clients)
    for place in placed:
        assert of_subject[place.rm].role == "relationship_manager"
        assert of_subject[place.rm].outlet == place.outlet
        assert of_subject[place.assistant].role == "rm_assistant"


def test_books_are_of_like_size(berka):
    owners = {account.owner_id for account in berka.accounts.values()}
    books = Counter(place.rm for place in placements(berka) if place.client_id in owners)
    assert len(books) == 12
    assert min(books.values()) == 72
    assert max(books.values()) == 142


def test_a_part_keeps_its_placements(berka):
    some = set(list(berka.accounts)[::50])
    whole = {place.client_id: place for place in placements(berka)}
    assert all(whole[place.client_id] == place for place in placements(berka.only(some)))
