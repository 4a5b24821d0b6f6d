"""The rules that `docs/asvs.json` rests on and no other list has: tokens, headers of answers, seals, callers."""

from typing import Final

from tests.mutants.rules import INTEGRATION, UNIT, Rule

SERVICE_APP: Final = f"{INTEGRATION}/http/test_service_app.py"
OTHER_ORIGINS: Final = f"{SERVICE_APP}::test_no_page_of_another_origin_frames_runs_or_reads_an_answer"
TOKENS: Final = f"{UNIT}/security/test_tokens.py"
DIRECTORY: Final = f"{INTEGRATION}/security/test_directory.py"
_MIDDLEWARE: Final = "guanxi_common/http/middleware.py"
_BROWSERS: Final = "guanxi_common/http/browsers.py"
_TOKENS: Final = "guanxi_common/security/tokens.py"
_DIRECTORY: Final = "guanxi_common/security/directory/repository.py"

_answers = (
    Rule(
        "an answer loads nothing",
        _BROWSERS,
        "default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
        "default-src *",
        OTHER_ORIGINS,
    ),
    Rule("an answer tells no address to others", _MIDDLEWARE, '    (b"referrer-policy", b"no-referrer"),\n', "", OTHER_ORIGINS),
    Rule(
        "an answer is for its own origin",
        _BROWSERS,
        '    (b"cross-origin-resource-policy", b"same-origin"),\n',
        "",
        OTHER_ORIGINS,
    ),
    Rule(
        "an address redirects to no other",
        "guanxi_common/http/app.py",
        "        redirect_slashes=False,",
        "",
        f"{SERVICE_APP}::test_an_address_that_is_not_there_leads_nowhere_else",
    ),
    Rule(
        "a parameter of a query comes once",
        _MIDDLEWARE,
        "        if len(set(names)) < len(names):",
        "        if False:",
        f"{INTEGRATION}/http/test_lists.py::test_a_parameter_given_twice_is_422",
    ),
    Rule(
        "a request's id is of safe characters",
        _MIDDLEWARE,
        "    return value if shape.fullmatch(value) else None",
        "    return value or None",
        f"{INTEGRATION}/http/test_call.py::test_an_unusable_request_id_or_purpose_is_not_taken",
    ),
    Rule(
        "a caller over its rate is refused",
        "guanxi_common/http/rates.py",
        "        if wait > 1e-9:",
        "        if False:",
        f"{UNIT}/http/test_edge_values.py::test_a_burst_up_to_the_limit_then_evenly",
    ),
)

_callers = (
    Rule(
        "a token's signature is checked",
        _TOKENS,
        " or not jws.validate_compact(signed, key, registry=_REGISTRY):",
        ":",
        f"{TOKENS}::test_bad_tokens_are_refused",
    ),
    Rule(
        "a token is an access token",
        _TOKENS,
        'str(header.get("typ", "")).lower() not in _TYPES or ',
        "",
        f"{TOKENS}::test_bad_tokens_are_refused",
    ),
    Rule(
        "a token is of the one issuer",
        _TOKENS,
        'claims.get("iss") != self._issuer\n            or not audiences',
        "not audiences",
        f"{TOKENS}::test_bad_claims_are_refused",
    ),
    Rule(
        "a token is for this audience",
        _TOKENS,
        "            or not audiences & self._audiences\n",
        "",
        f"{TOKENS}::test_bad_claims_are_refused",
    ),
    Rule(
        "a token has an end",
        _TOKENS,
        "SKEW <= now < expires + SKEW\n",
        "SKEW <= now\n",
        f"{TOKENS}::test_bad_claims_are_refused",
    ),
    Rule(
        "a short RSA key is left out",
        "guanxi_common/security/jwks.py",
        ' if len(key["n"]) >= _RSA_MIN_MODULUS:',
        ":",
        f"{TOKENS}::test_an_rsa_key_of_fewer_than_2048_bits_is_left_out",
    ),
    Rule(
        "a caller is known by issuer and subject",
        _DIRECTORY,
        "WHERE staff.issuer = $1 AND",
        "WHERE $1::text IS NOT NULL AND",
        f"{DIRECTORY}::test_an_unknown_caller_is_not_in_the_directory",
    ),
    Rule(
        "who is inactive is refused",
        _DIRECTORY,
        " AND staff.active AND",
        " AND",
        f"{DIRECTORY}::test_an_inactive_caller_or_one_of_unknown_role_is_not_in_the_directory",
    ),
    Rule(
        "an operation needs its permission",
        "guanxi_common/security/principal.py",
        "        kind = self.grants.get(permission)\n",
        "        kind = self.grants.get(permission, ScopeKind.ALL)\n",
        f"{INTEGRATION}/http/test_call.py::test_without_the_permission_it_is_403_whatever_the_body",
    ),
)

_keys_and_files = (
    Rule(
        "a nonce is drawn for each value",
        "guanxi_common/security/fields.py",
        "    nonce = os.urandom(_NONCE)",
        "    nonce = bytes(_NONCE)",
        f"{UNIT}/security/test_fields.py::test_the_same_value_never_seals_alike_nor_shows",
    ),
    Rule(
        "production refuses what development made",
        "guanxi_common/settings.py",
        "    if production and any(secret.startswith(_DEVELOPMENT_MARK)",
        "    if False and any(secret.startswith(_DEVELOPMENT_MARK)",
        f"{UNIT}/security/test_settings.py::test_production_refuses_what_development_generated",
    ),
    Rule(
        "TLS to the brokers is 1.2 or later",
        "guanxi_common/messaging/kafka/security.py",
        "ssl.TLSVersion.TLSv1_2",
        "ssl.TLSVersion.MINIMUM_SUPPORTED",
        f"{UNIT}/test_transport.py::test_tls_to_the_brokers_is_of_today_and_keeps_past_records_secret",
    ),
    Rule(
        "a backup names files of its own folder",
        "guanxi_common/backup/manifest.py",
        "    if Path(dump.file).name != dump.file:",
        "    if False:",
        f"{UNIT}/backup/test_manifest.py::test_a_file_outside_the_backup_is_refused",
    ),
    Rule(
        "a model's members are of trusted types",
        "scoring_svc/training/artefact.py",
        "    if foreign:",
        "    if False:",
        "services/scoring-svc/tests/unit/training/test_s3_training.py::test_s6_a_model_of_types_that_are_not_trusted_is_refused",
        package="services/scoring-svc",
    ),
)

ASVS_RULES: Final = (*_answers, *_callers, *_keys_and_files)
