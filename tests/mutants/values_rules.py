"""The pure rules of the customer file and of work with customers, each with its table of values; see `tests.mutants.rules`."""

from typing import Final

from tests.mutants.rules import Rule

CUSTOMER: Final = "services/customer-svc"
ENGAGEMENT: Final = "services/engagement-svc"
DOCUMENTS: Final = "customers/test_c1_documents.py::test_c1_"
PHONES: Final = "customers/test_c1_phones.py::test_c1_"
INTERVALS: Final = "assignments/test_c13_intervals.py::test_c13_"
IN_TIME: Final = "consents/test_d5_consent_in_time.py::test_d5_"
CLOCKS: Final = "tasks/test_e4_due_times_and_rank.py::test_"


def _customer(policy: str, name: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, f"customer_svc/{policy}/policy.py", text, without, f"{CUSTOMER}/tests/unit/{test}", CUSTOMER)


def _engagement(policy: str, name: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, f"engagement_svc/{policy}/policy.py", text, without, f"{ENGAGEMENT}/tests/unit/{test}", ENGAGEMENT)


def _document(name: str, text: str, without: str, test: str = "a_number_fits_its_document") -> Rule:
    return _customer("customers", name, text, without, DOCUMENTS + test)


def _phone(name: str, text: str, without: str, test: str = "a_phone_number_is_stored_as_e164") -> Rule:
    return _customer("customers", name, text, without, PHONES + test)


_documents = (
    _document(
        "a number of full width is the same number",
        'normalize("NFKC", document.number)).upper()',
        "document.number).upper()",
        "one_number_is_one_number_however_it_is_typed",
    ),
    _document(
        "a number in small letters is the same number",
        'normalize("NFKC", document.number)).upper()',
        'normalize("NFKC", document.number))',
        "one_number_is_one_number_however_it_is_typed",
    ),
    _document(
        "spaces, dashes and brackets are not of the number",
        r'number = re.sub(r"[\s()-]", "", ',
        r'number = re.sub(r"[\s]", "", ',
        "one_number_is_one_number_however_it_is_typed",
    ),
    _document(
        "fifteen digits become eighteen",
        'if document.kind is DocumentKind.RESIDENT_ID and re.fullmatch(r"[0-9]{15}", number):',
        "if False:",
        "fifteen_digits_become_the_eighteen_that_replaced_them",
    ),
    _document(
        "fifteen digits of another document stay",
        'if document.kind is DocumentKind.RESIDENT_ID and re.fullmatch(r"[0-9]{15}", number):',
        'if re.fullmatch(r"[0-9]{15}", number):',
        "fifteen_digits_become_the_eighteen_that_replaced_them",
    ),
    _document("the weights are those of ISO 7064", "_WEIGHTS: Final = (7, 9, 10, 5", "_WEIGHTS: Final = (7, 9, 10, 6"),
    _document(
        "a resident number names a day that there was",
        "    except ValueError:\n        return False",
        "    except ValueError:\n        pass",
    ),
    _document("a resident number has digits of ASCII", 'r"[0-9]{17}[0-9X]", number):', r'r"\d{17}[0-9X]", number):'),
    _document("a resident number is no residence permit", ' and number[0] in "1234567"', ""),
    _document("a residence permit is of Hong Kong, Macau or Taiwan", " and number.startswith(_RESIDENCE_AREAS)", ""),
    _document("a permanent resident's number begins with 9", ' and number[0] == "9")', ")"),
    _document(
        "a permanent resident's older card has letters", 'r"[A-Z]{3}[0-9]{12}", number)) or', 'r"[A-Z]{4}[0-9]{11}", number)) or'
    ),
    _document("agriculture and others register organisations too", "[1-9ANY][1-9A-HJ", "[1-9][1-9A-HJ"),
    _document("a permit of Hong Kong or Macau says which", "[HM][0-9]{8}([0-9]{2})?", "[A-Z][0-9]{8}([0-9]{2})?"),
    _document("a permit of Hong Kong or Macau counts its renewals", "[HM][0-9]{8}([0-9]{2})?", "[HM][0-9]{8}"),
    _document("a Taiwanese booklet is known too", "[0-9]{8}|[0-9]{10}[A-Z]?", "[0-9]{8}"),
    _document(
        "a passport has letters and digits that a machine reads",
        'bool(re.fullmatch(r"[A-Z0-9]{5,20}", number))',
        "number.isalnum()",
    ),
    _document("a foreign number too", 'bool(re.fullmatch(r"[A-Z0-9]{4,40}", number))', "number.isalnum()"),
    _document(
        "men are odd",
        '"male" if int(number[16]) % 2 else "female"',
        '"female" if int(number[16]) % 2 else "male"',
        "what_a_number_says_of_its_holder",
    ),
    _document(
        "a passport says nothing of its holder",
        "if document.kind not in _LIKE_RESIDENT_IDS or len(number) != 18:",
        "if len(number) != 18:",
        "what_cannot_be_true_together",
    ),
    _document(
        "a number of another form says nothing of its holder",
        "if document.kind not in _LIKE_RESIDENT_IDS or len(number) != 18:",
        "if document.kind not in _LIKE_RESIDENT_IDS:",
        "what_a_number_says_of_its_holder",
    ),
    _document("a sex does not contradict the document", "sex != holder.sex:", "False:", "what_cannot_be_true_together"),
    _document(
        "a birth date is one of somebody who may live",
        "if birth_date is not None and not _EARLIEST_BIRTH <= birth_date <= today:",
        "if False:",
        "what_cannot_be_true_together",
    ),
    _document(
        "no individual has a credit code",
        "document.kind is DocumentKind.CREDIT_CODE:\n",
        "False:\n",
        "what_cannot_be_true_together",
    ),
    _document(
        "no organisation has a resident number",
        "document.kind not in ORGANISATIONS_OWN:",
        "False:",
        "what_cannot_be_true_together",
    ),
)
_phones = (
    _phone("a phone number is the same in full width", 'written = normalize("NFKC", phone).strip()', "written = phone.strip()"),
    _phone(
        "an extension is told by a word",
        "if marked := _MARKED.fullmatch(written):",
        "if (marked := _MARKED.fullmatch(written)) and False:",
    ),
    _phone("an extension follows one more dash", "(_with_extension(dashed) if dashed else None)", "None"),
    _phone(
        "direct dialling is of the number",
        "return _e164(written) or (_with_extension(dashed) if dashed else None)",
        "return _with_extension(dashed) if dashed else _e164(written)",
    ),
    _phone("letters are no digits", "any(character.isalpha() for character in number) or ", ""),
    _phone("numbers without a country are Chinese", 'phonenumbers.parse(number, "CN")', 'phonenumbers.parse(number, "US")'),
    _phone(
        "a number is found without its extension",
        'return phone.partition(";")[0]',
        "return phone",
        "a_number_is_searched_without_its_extension",
    ),
)
_files = (
    _customer(
        "assignments",
        "whoever has the customer has notice",
        "return now + NOTICE if has_rm(book, now) else now",
        "return now",
        INTERVALS + "whoever_has_the_customer_has_five_minutes_notice",
    ),
    _customer(
        "assignments",
        "what lasts no moment has never been",
        "    kept = [i for i in kept if i.valid_to is None or i.valid_to > i.valid_from]\n",
        "",
        INTERVALS + "a_transfer_ends_what_is_open_where_the_new_begins",
    ),
    _customer(
        "assignments",
        "an assistant comes with the transfer",
        "    if assistant_id is not None:\n        kept.append",
        "    if False:\n        kept.append",
        INTERVALS + "a_transfer_ends_what_is_open_where_the_new_begins",
    ),
    _customer(
        "assignments",
        "nobody assists himself",
        "return [i for i in after if i not in doubled] + begun",
        "return after",
        INTERVALS + "nobody_assists_himself",
    ),
    _customer(
        "assignments",
        "what was decided before is not told again",
        "i not in before and i.valid_from >= now",
        "i.valid_from >= now",
        INTERVALS + "what_a_change_of_the_book_decided",
    ),
    _customer(
        "consents",
        "a grant counts from the day's beginning, a withdrawal from its end",
        "return first if granted else min(",
        "return min(",
        IN_TIME + "a_grant_counts_from_the_days_beginning_a_withdrawal_from_its_end",
    ),
    _customer(
        "consents",
        "what was said last counts",
        "key=lambda one: (one.since, one.version))}",
        "key=lambda one: one.version)}",
        IN_TIME + "what_was_said_last_counts_in_any_order",
    ),
    _customer(
        "consents",
        "of one moment the one that came in last counts",
        "key=lambda one: (one.since, one.version))}",
        "key=lambda one: (one.since, -one.version))}",
        IN_TIME + "what_was_said_last_counts_in_any_order",
    ),
    _customer(
        "consents",
        "what says the same as what counts is no news",
        "return (stands.granted, stands.text_version) == statement",
        "return False",
        IN_TIME + "what_is_news",
    ),
    _customer(
        "consents",
        "an older statement never beats a later one",
        "return all(one.since <= since for one in said if one.channel == channel)",
        "return True",
        IN_TIME + "an_older_statement_never_beats_a_later_one",
    ),
    _customer(
        "contact_preferences",
        "quiet hours last",
        "if quiet is not None and quiet[0] == quiet[1]:",
        "if False:",
        "contact_preferences/test_c6_preferences.py::test_c6_everything_that_is_wrong_is_named",
    ),
    _customer(
        "contact_preferences",
        "what was agreed later stands",
        ' and agreed[name]["on"] > agreed_on.isoformat()}',
        "}",
        "contact_preferences/test_c6_preferences.py::test_d5_what_was_agreed_later_stands",
    ),
    _customer(
        "vulnerabilities",
        "a review lies ahead",
        "not today < review_on <= today",
        "not review_on <= today",
        "vulnerabilities/test_c6_review_dates.py::test_c6_a_review_lies_ahead_and_not_too_far",
    ),
    _customer(
        "risk_profiles",
        "an assessment holds through its last day",
        "return today <= expires_on",
        "return today < expires_on",
        "risk_profiles/test_c6_validity.py::test_c6_it_holds_through_its_last_day",
    ),
    _customer(
        "risk_profiles",
        "an assessment counts for a time",
        "expires_on <= latest_expiry(assessed_on, standard):",
        "expires_on:",
        "risk_profiles/test_c6_validity.py::test_c6_its_dates_fit_each_other",
    ),
    _customer(
        "products",
        "a product does not link to itself",
        "        if target == code:",
        "        if False:",
        "products/test_c17_terms.py::test_c17_everything_that_is_wrong_with_the_terms_is_named",
    ),
    _customer(
        "products",
        "a version does not end before it begins",
        "terms.valid_to < terms.valid_from:",
        "False:",
        "products/test_c17_terms.py::test_c17_everything_that_is_wrong_with_the_terms_is_named",
    ),
    _customer(
        "tiers",
        "a tier is lost after the grace alone",
        "if today >= ends_on(below_since, standard) or",
        "if True or",
        "tiers/test_c11_tiers.py::test_c11_down_only_after_the_whole_grace_to_what_is_reached_then",
    ),
    _customer(
        "accounts",
        "a currency to come is in use when the account opens",
        "max(item.opened_on, today)):",
        "today):",
        "accounts/test_c9_refusals.py::test_d12_an_account_is_in_a_currency_that_is_in_use_while_it_is_open",
    ),
    _customer(
        "accounts",
        "an account matures after it opened",
        "return opened_on <= matures_on and ",
        "return ",
        "accounts/test_c9_refusals.py::test_c9_its_dates",
    ),
)
_work = (
    _engagement(
        "plans",
        "a month without such a day has a last one",
        "min(day.day, monthrange(year, month + 1)[1])",
        "min(day.day, 28)",
        "plans/test_e5_review_dates.py::test_e5_the_same_day_of_a_later_month_or_its_last",
    ),
    _engagement(
        "plans",
        "a review has taken place",
        "return agreed_on <= reviewed_on <= today and",
        "return agreed_on <= reviewed_on and",
        "plans/test_e5_review_dates.py::test_e5_a_review_lies_between_the_agreement_and_today_and_the_next_one_after_it",
    ),
    _engagement(
        "actions",
        "an action is good through its last day",
        "    if expires_on < today:",
        "    if expires_on <= today:",
        "actions/test_s5_taking_up.py::test_s5_what_is_declined_before_anything_is_reserved",
    ),
    _engagement(
        "actions",
        "the most urgent action has priority 1",
        "(LOWEST_PRIORITY - 1) * priority_bp",
        "LOWEST_PRIORITY * priority_bp",
        "actions/test_s5_taking_up.py::test_s5_the_most_urgent_action_has_priority_1_the_least_100",
    ),
    _engagement(
        "customers",
        "a consent holds for its channel alone",
        "if (one.purpose, one.channel) == (purpose, channel)), None)",
        "if one.purpose == purpose), None)",
        "actions/test_s5_taking_up.py::test_s5_a_consent_holds_for_its_purpose_and_channel_alone",
    ),
    _engagement(
        "interactions",
        "a record is late after its business day",
        "calendar.end_of_business_day(calendar.business_day(occurred_at))",
        "calendar.end_of_business_day(calendar.local_date(recorded_at))",
        "interactions/test_e1_lateness.py::test_e1_a_record_is_late_after_the_end_of_its_business_day",
    ),
    _engagement(
        "interactions",
        "a contact has happened",
        "return occurred_at > now + CLOCK_TOLERANCE",
        "return False",
        "interactions/test_e1_lateness.py::test_e1_a_contact_has_happened",
    ),
    _engagement(
        "complaints",
        "a complaint is acknowledged and resolved",
        "DUTIES: Final = (ACKNOWLEDGEMENT, RESOLUTION)",
        "DUTIES: Final = (RESOLUTION,)",
        "complaints/test_e10_duties.py::test_e10_a_complaint_is_acknowledged_and_resolved",
    ),
    _engagement(
        "contact_budget",
        "quiet hours pass midnight",
        "self.until <= self.since",
        "False",
        "contact_budget/test_c6_quiet_hours.py::test_c6_when_the_quiet_hours_end",
    ),
    _engagement(
        "contact_budget",
        "who comes to the branch is not disturbed",
        ' and channel != "branch"',
        "",
        "contact_budget/test_c6_quiet_hours.py::test_c6_who_keeps_to_the_quiet_hours",
    ),
    _engagement(
        "tasks",
        "a deadline of calendar days is the day's end",
        "timedelta(days=clock.count + 1))",
        "timedelta(days=clock.count))",
        CLOCKS + "e4_when_a_clock_runs_out",
    ),
    _engagement(
        "tasks",
        "a clock of business days starts with one",
        "calendar.add_business_days(calendar.business_day(start), clock.count)",
        "calendar.add_business_days(calendar.local_date(start), clock.count)",
        CLOCKS + "e4_when_a_clock_runs_out",
    ),
    _engagement(
        "tasks",
        "priority goes before the due time",
        "return (priority << 40) + ",
        "return (priority << 4) + ",
        CLOCKS + "e3_the_list_is_by_priority_then_by_what_is_due_first",
    ),
)
VALUES_RULES: Final = (*_documents, *_phones, *_files, *_work)
