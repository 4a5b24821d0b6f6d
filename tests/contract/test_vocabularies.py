"""Words that several places must agree on: a contact's result is an enum of the API, a standard of the worklist, a standard of scoring."""

from engagement_svc.interactions.schemas import RelationshipEffect, Result
from engagement_svc.plans.schemas import ReviewOutcome
from engagement_svc.standards import load_standards as engagement_standards
from guanxi_contracts.topics import schema_of
from guanxi_contracts.vocabularies import CHANNELS, MESSAGE_UNSPECIFIED
from scoring_svc.actions.policy import ActionKind, ActionStandard
from scoring_svc.engagements.policy import ContactStandard
from scoring_svc.standards import load_standards as scoring_standards


def test_every_result_of_a_contact_is_known_to_worklist_and_scoring():
    results = {result.value for result in Result}
    assert set(engagement_standards().contact_results) == results
    for standard in scoring_standards(ContactStandard, "engagements"):
        assert set(standard.results) == results


def test_every_effect_and_review_outcome_has_a_contribution():
    for standard in scoring_standards(ContactStandard, "engagements"):
        assert set(standard.effects) == {effect.value for effect in RelationshipEffect}
        assert set(standard.reviews) == {outcome.value for outcome in ReviewOutcome}


def test_d5_every_channel_has_its_label_and_so_has_the_historical_one():
    assert set(engagement_standards().contact_methods) == {*CHANNELS, MESSAGE_UNSPECIFIED}


def test_every_kind_of_action_is_known_to_the_worklist():
    assert set(engagement_standards().actions) == {kind.value for kind in ActionKind}


def test_d5_the_channels_are_these_and_scoring_recommends_no_other():
    assert CHANNELS == ("phone", "visit", "branch", "video", "sms", "wechat", "app", "email", "letter")
    assert MESSAGE_UNSPECIFIED not in CHANNELS
    assert set(scoring_standards(ActionStandard, "actions")[-1].channels) == set(CHANNELS)
    assert set(schema_of("guanxi.action.recommended.v1")["properties"]["channel"]["enum"]) == {*CHANNELS, "message"}
