"""The rules of models, related sales, actions, the contact budget and complaints; see `tests.mutants.rules`."""

from typing import Final

from tests.mutants.rules import Rule

SCORING: Final = "services/scoring-svc"
ENGAGEMENT: Final = "services/engagement-svc"
REGISTER: Final = f"{SCORING}/tests/integration/models/test_s6_register.py"
ARTEFACTS: Final = f"{SCORING}/tests/unit/register/test_s6_artefacts.py"
PROPENSITY: Final = f"{SCORING}/tests/unit/related_sales/test_s4_propensity.py"
SALES: Final = f"{SCORING}/tests/unit/related_sales/test_s4_related_sales.py"
CHOICE: Final = f"{SCORING}/tests/unit/actions/test_s5_choice.py"
PLANNING: Final = f"{SCORING}/tests/integration/actions/test_s5_planning.py"
TAKEN_UP: Final = f"{ENGAGEMENT}/tests/integration/actions/test_s5_actions_taken_up.py"
BUDGET: Final = f"{ENGAGEMENT}/tests/integration/contact_budget/test_c6_contact_budget.py"
COMPLAINTS: Final = f"{ENGAGEMENT}/tests/integration/complaints/test_e10_complaints.py"


def _scoring(name: str, file: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, f"scoring_svc/{file}", text, without, test, SCORING)


def _engagement(name: str, file: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, f"engagement_svc/{file}", text, without, test, ENGAGEMENT)


_models = (
    _scoring(
        "a model is approved by somebody other than who had it trained",
        "register/service.py",
        "    if version.trained_by == work.actor:",
        "    if False:",
        f"{REGISTER}::test_s6_who_had_it_trained_does_not_approve_it",
    ),
    _scoring(
        "a model without a back-test is not approved",
        "register/service.py",
        "    if version.state is not State.BACK_TESTED:",
        "    if False:",
        f"{REGISTER}::test_s6_no_step_is_skipped",
    ),
    _scoring(
        "an activation names what it replaces",
        "register/service.py",
        "    if (present.id if present else None) != replaces:",
        "    if False:",
        f"{REGISTER}::test_s6_activation_names_what_it_replaces",
    ),
    _scoring(
        "steps of a name's versions are taken one at a time",
        "register/service.py",
        "    await repository.lock_name(uow, found.name)\n",
        "",
        f"{REGISTER}::test_s6_of_many_activations_at_once_one_wins",
    ),
    _scoring(
        "a rollback returns to the version before",
        "register/service.py",
        "    falls_back_to = present.id if present and role is Role.CHAMPION else None",
        "    falls_back_to = None",
        f"{REGISTER}::test_s6_a_rollback_returns_to_the_version_before_and_then_to_the_rules",
    ),
    _scoring(
        "an activation has the book scored again",
        "register/service.py",
        "    if version.name == RETENTION:\n        await mark_book_dirty",
        "    if False:\n        await mark_book_dirty",
        f"{REGISTER}::test_s6_an_activation_has_the_book_scored_again",
    ),
    _scoring(
        "an artefact that was changed after approval is not loaded",
        "register/artefacts.py",
        "    if artefact.digest != digest:",
        "    if False:",
        ARTEFACTS,
    ),
)

_propensity = (
    _scoring(
        "who holds a product trains nothing",
        "related_sales/propensity.py",
        "    return not is_held(situation, product) and not any(eligibility(situation, product))",
        "    return not any(eligibility(situation, product))",
        PROPENSITY,
    ),
    _scoring(
        "who may not have a product trains nothing",
        "related_sales/propensity.py",
        "    return not is_held(situation, product) and not any(eligibility(situation, product))",
        "    return not is_held(situation, product)",
        PROPENSITY,
    ),
    _scoring(
        "the label begins on the day after the cut",
        "related_sales/propensity.py",
        "cut < holding.opened_on <= end",
        "cut <= holding.opened_on <= end",
        PROPENSITY,
    ),
    _scoring(
        "no feature knows an opening after the cut",
        "related_sales/propensity.py",
        "    known = [holding for holding in situation.holdings if holding.opened_on <= situation.today]",
        "    known = list(situation.holdings)",
        PROPENSITY,
    ),
)

_related_sales = (
    _scoring(
        "an open complaint or a vulnerability holds selling",
        "related_sales/policy.py",
        "    yield from sales_hold(situation)\n",
        "    yield from ()\n",
        f"{SALES}::test_s4_an_open_complaint_holds_every_sale_and_even_activation",
    ),
    _scoring(
        "a risk profile that has expired says nothing",
        "related_sales/policy.py",
        "profile.expires_on < situation.today or ",
        "",
        f"{SALES}::test_s4_a_refusal_names_its_rule_and_the_values",
    ),
    _scoring(
        "a refused channel wins over a general consent",
        "customers/policy.py",
        "bool(told) and all(one.granted for one in told)",
        "bool(told) and any(one.granted for one in told)",
        f"{SALES}::test_s4_a_refused_channel_wins_over_a_general_consent",
    ),
    _scoring(
        "a resolved complaint holds nothing",
        "situations/service.py",
        " and fact.subject_id not in resolved)",
        ")",
        f"{PLANNING}::test_s5_a_complaint_holds_the_sale_until_it_is_resolved",
    ),
)

_actions = (
    _scoring(
        "the hold-out is not contacted",
        "actions/choice.py",
        "    if hold_out and candidate.kind in HELD_OUT:",
        "    if False:",
        f"{CHOICE}::test_s5_the_hold_out_is_stable_and_of_the_stated_size_and_hears_of_duties_only",
    ),
    _scoring(
        "the hold-out does not change with the standard",
        "actions/choice.py",
        'return share_of(customer_id, "hold-out") <',
        'return share_of(customer_id, f"hold-out {standard.version}") <',
        f"{CHOICE}::test_s5_the_hold_out_is_stable_and_of_the_stated_size_and_hears_of_duties_only",
    ),
    _scoring(
        "one choice is made in a period",
        "actions/choice.py",
        "    if standing:",
        "    if False:",
        f"{CHOICE}::test_s5_one_choice_is_made_in_a_period_but_duties_pass",
    ),
    _scoring(
        "a duty passes hold-out and period",
        "actions/choice.py",
        "    if candidate.duty:\n        return\n",
        "",
        f"{CHOICE}::test_s5_one_choice_is_made_in_a_period_but_duties_pass",
    ),
    _scoring(
        "the same is not asked twice in a period",
        "actions/choice.py",
        "    if asked_on is not None:",
        "    if False:",
        f"{CHOICE}::test_s5_the_same_is_not_asked_twice_in_a_period",
    ),
    _scoring(
        "what is told of the odds is what is drawn",
        "actions/choice.py",
        "WHOLE_BP - each * (len(fitting) - 1)",
        "WHOLE_BP - each",
        f"{CHOICE}::test_s5_exploration_is_bounded_repeatable_and_its_probability_is_what_happens",
    ),
    _engagement(
        "an action is taken up once",
        "actions/service.py",
        "    if await repository.is_known(work.uow, told.action_id):\n        return\n",
        "",
        f"{TAKEN_UP}::test_s5_told_three_times_at_once_it_is_taken_up_once",
    ),
    _engagement(
        "a withdrawn consent acts at once",
        "actions/policy.py",
        "is_granted(consents, consent_purpose, channel) is False",
        "is_granted(consents, consent_purpose, channel) is ...",
        f"{TAKEN_UP}::test_s5_a_withdrawn_consent_acts_at_once",
    ),
    _engagement(
        "an action past its date is declined",
        "actions/policy.py",
        "    if expires_on < today:",
        "    if False:",
        f"{TAKEN_UP}::test_s5_what_comes_after_its_date_is_declined",
    ),
    _engagement(
        "one contact uses one reservation",
        "actions/service.py",
        '        await budget.settle(work.uow, reservation.id, "released", work.now)\n    for action in answered:',
        '        await budget.settle(work.uow, reservation.id, "confirmed", work.now)\n    for action in answered:',
        f"{TAKEN_UP}::test_s5_one_contact_concludes_all_actions_and_uses_one_reservation",
    ),
    _engagement(
        "a customer who came uses no contact",
        "actions/service.py",
        "held.pop(0) if held and contact.outbound else None",
        "held.pop(0) if held else None",
        f"{TAKEN_UP}::test_s5_a_customer_who_came_uses_no_contact",
    ),
    _engagement(
        "a duty cannot be declined",
        "actions/service.py",
        "    if not actions or not rules.standards.actions[actions[0].kind].may_be_declined:",
        "    if not actions:",
        f"{TAKEN_UP}::test_s5_an_offer_may_be_declined_by_its_rm_alone_and_a_duty_by_nobody",
    ),
)

_contact_budget = (
    _engagement(
        "in quiet hours nobody sells",
        "contact_budget/service.py",
        "    if end is not None:",
        "    if False:",
        f"{BUDGET}::test_c6_in_quiet_hours_nobody_sells_and_the_customer_s_own_matters_go_on",
    ),
)

_complaints = (
    _engagement(
        "a complaint is resolved once",
        "complaints/service.py",
        "    if complaint.outcome is not None:",
        "    if False:",
        f"{COMPLAINTS}::test_e10_of_two_who_resolve_one_does",
    ),
    _engagement(
        "who resolves a complaint has seen its newest state",
        "complaints/service.py",
        "    work.check_version(complaint.version)\n",
        "",
        f"{COMPLAINTS}::test_e10_a_stale_version_resolves_nothing",
    ),
    _engagement(
        "an opened complaint is told, and holds selling",
        "complaints/service.py",
        "    await outbox.append(work.uow, opened)\n",
        "",
        f"{COMPLAINTS}::test_e10_a_complaint_is_told_when_opened_and_when_resolved_without_its_words",
    ),
)

SERVICE_RULES: Final = (*_models, *_propensity, *_related_sales, *_actions, *_contact_budget, *_complaints)
