"""E10: the two duties of a complaint, and what answers them."""

from uuid import UUID

from engagement_svc.complaints.policy import DUTIES, answered_by, origin_of

COMPLAINT, ANOTHER = UUID(int=7), UUID(int=8)


def test_e10_a_complaint_is_acknowledged_and_resolved() -> None:
    assert DUTIES == ("complaint_acknowledgement", "complaint_resolution")
    assert [str(origin_of(COMPLAINT, duty)) for duty in DUTIES] == [
        f"complaint:{COMPLAINT}:complaint_acknowledgement",
        f"complaint:{COMPLAINT}:complaint_resolution",
    ]


def test_e10_a_deed_answers_the_duties_of_its_own_complaint() -> None:
    assert answered_by(COMPLAINT) == {str(origin_of(COMPLAINT, duty)) for duty in DUTIES}
    assert answered_by(COMPLAINT).isdisjoint(answered_by(ANOTHER))
