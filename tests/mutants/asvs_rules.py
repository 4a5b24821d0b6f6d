"""The rules that `docs/asvs.json` rests on and no other list has: tokens, headers of answers, seals, callers."""

from typing import Final

from tests.mutants.rules import INTEGRATION, UNIT, Rule

SERVICE_APP: Final = f"{INTEGRATION}/http/test_service_app.py"
OTHER_ORIGINS: Final = f"{SERVICE_APP}::test_no_page_of_another_origin_frames_runs_or_reads_an_answer"
TOKENS: Final = f"{UNIT}/security/test_tokens.py"
PROBLEMS: Final = f"{INTEGRATION}/http/test_problems.py"
LOGS: Final = f"{UNIT}/telemetry/test_logs.py"
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
    Rule("an answer tells no address to others", _BROWSERS, '    (b"referrer-policy", b"no-referrer"),\n', "", OTHER_ORIGINS),
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

_data = (
    Rule(
        "a caller sees rows of its own scope",
        "guanxi_common/security/directory/scope.py",
        'reached, argument = f"book.staff_id = ANY({who}::uuid[])"',
        'reached, argument = f"{who}::uuid[] IS NOT NULL"',
        f"{DIRECTORY}::test_own_customers_are_seen_in_either_capacity",
    ),
    Rule(
        "a cursor is its caller's own",
        "guanxi_common/http/call.py",
        "binding_of(self.principal.actor, self.operation",
        'binding_of("", self.operation',
        f"{INTEGRATION}/http/test_lists.py::test_a_cursor_is_worth_nothing_to_another_caller_or_query_or_when_changed",
    ),
    Rule(
        "a body holds no field that it does not name",
        "guanxi_common/http/bodies.py",
        'ConfigDict(extra="forbid", frozen=True)',
        'ConfigDict(extra="ignore", frozen=True)',
        f"{PROBLEMS}::test_errors_point_into_the_body",
    ),
    Rule(
        "a reading transaction cannot write",
        "guanxi_common/db/uow.py",
        '"BEGIN READ ONLY" if readonly else "BEGIN"',
        '"BEGIN"',
        f"{INTEGRATION}/db/test_unit_of_work.py::test_a_readonly_transaction_cannot_write",
    ),
    Rule(
        "a redirect is not followed",
        "guanxi_common/http/client.py",
        "httpx.AsyncClient(timeout=timeout) as client",
        "httpx.AsyncClient(timeout=timeout, follow_redirects=True) as client",
        f"{UNIT}/http/test_api_client.py::test_a_redirect_is_not_followed",
    ),
)

_logs = (
    Rule(
        "no value forges a line of the log",
        "guanxi_common/telemetry/logs.py",
        '        return _UNSAFE.sub(lambda match: f"\\\\u{ord(match.group()):04x}", text)',
        "        return text",
        f"{LOGS}::test_no_value_can_forge_a_line_or_drive_a_terminal",
    ),
    Rule(
        "what looks personal goes from the log",
        "guanxi_common/telemetry/scrubbing.py",
        '    return _PATTERNS.sub(REDACTED, cut.encode("utf-8", "replace").decode())',
        '    return cut.encode("utf-8", "replace").decode()',
        f"{LOGS}::test_what_looks_personal_goes",
    ),
    Rule(
        "a fault is logged without its text",
        "guanxi_common/http/problems.py",
        '            error=f"{type(error).__module__}.{type(error).__qualname__}",',
        "            error=str(error),",
        f"{PROBLEMS}::test_a_fault_is_500_and_neither_answer_nor_log_repeat_its_text",
    ),
    Rule(
        "what is tried without the permission is audited",
        "guanxi_common/http/call.py",
        "        await _record_denial(edge, AuditContext(principal.actor, operation, purpose, current_context().request_id),"
        " demanded.name)\n",
        "",
        f"{INTEGRATION}/http/test_call.py::test_without_the_permission_it_is_403_whatever_the_body",
    ),
    Rule(
        "nothing is deleted from the audit log",
        "guanxi_common/security/audit/tables.py",
        "never_delete BEFORE DELETE OR TRUNCATE ON",
        "never_delete BEFORE TRUNCATE ON",
        f"{INTEGRATION}/security/test_audit.py::test_the_database_refuses_changes",
    ),
)

ASVS_RULES: Final = (*_answers, *_callers, *_keys_and_files, *_data, *_logs)
