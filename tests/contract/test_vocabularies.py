"""Words that several places must agree on: a contact's result is an enum of the API, a standard of the worklist, a standard of scoring."""

from customer_svc.channels import Channel
from engagement_svc.interactions.schemas import Method, RelationshipEffect, Result
from engagement_svc.plans.schemas import ReviewOutcome
from engagement_svc.standards import load_standards as engagement_standards
from scoring_svc.actions.policy import ActionKind, ActionStandard
from scoring_svc.contacts.policy import ContactStandard
from scoring_svc.related_sales.policy import CHANNELS
from scoring_svc.standards import load_standards as scoring_standards


def test_every_result_of_a_contact_is_known_to_worklist_and_scoring():
    results = {result.value for result in Result}
    assert set(engagement_standards().contact_results) == results
    for standard in scoring_standards(ContactStandard, "contacts"):
        assert set(standard.results) == results


def test_every_effect_and_review_outcome_has_a_contribution():
    for standard in scoring_standards(ContactStandard, "contacts"):
        assert set(standard.effects) == {effect.value for effect in RelationshipEffect}
        assert set(standard.reviews) == {outcome.value for outcome in ReviewOutcome}


def test_every_method_has_its_label():
    assert set(engagement_standards().contact_methods) == {method.value for method in Method}


def test_every_kind_of_action_is_known_to_the_worklist():
    assert set(engagement_standards().actions) == {kind.value for kind in ActionKind}


def test_every_channel_of_a_consent_is_one_that_scoring_recommends():
    assert tuple(channel.value for channel in Channel) == CHANNELS
    for standard in scoring_standards(ActionStandard, "actions"):
        assert set(standard.channels) == set(CHANNELS)
