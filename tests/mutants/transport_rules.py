"""The rules of transport and of who may tell: signatures, connections, rights."""

from typing import Final

from tests.mutants.rules import INTEGRATION, UNIT, Rule

_SIGNING: Final = "guanxi_common/messaging/signing.py"
_SIGNED: Final = f"{UNIT}/messaging/test_signing.py"
_PRODUCERS: Final = f"{INTEGRATION}/messaging/test_d19_producers.py"

_signatures = (
    Rule(
        "a record of a signed topic needs its producer's signature",
        "guanxi_common/messaging/processing.py",
        "        if self._verifier.accepts(record):",
        "        if True:",
        f"{_PRODUCERS}::test_d19_a_forged_record_is_never_applied_and_holds_up_nothing",
    ),
    Rule(
        "a forged record has no key, so that it holds up nothing",
        "guanxi_common/messaging/policy.py",
        "        if not self.trusted:\n            return None\n",
        "",
        f"{_PRODUCERS}::test_d19_a_forged_record_is_never_applied_and_holds_up_nothing",
    ),
    Rule(
        "a letter without a key is replayed in its place",
        "guanxi_common/messaging/processing.py",
        "self._apply_again if replay.has_key else self._apply_in_turn",
        "self._apply_again",
        f"{_PRODUCERS}::test_d19_letters_of_a_key_that_came_late_are_replayed_in_their_place",
    ),
    Rule(
        "only a producer of the topic signs",
        _SIGNING,
        "        if key is None or producer_of(key_id) not in producers:",
        "        if key is None:",
        f"{_SIGNED}::test_d19_another_services_key_signs_nothing_on_this_topic",
    ),
    Rule(
        "the signature covers the topic",
        _SIGNING,
        "[_DOMAIN, topic.encode(), key,",
        '[_DOMAIN, b"", key,',
        f"{_SIGNED}::test_d19_a_record_means_nothing_on_another_signed_topic",
    ),
    Rule("the signature covers the key", _SIGNING, "topic.encode(), key, digest", 'topic.encode(), b"", digest', _SIGNED),
    Rule("the signature covers the value", _SIGNING, "sha256(value).digest()", 'b""', _SIGNED),
    Rule("the signature covers each attribute", _SIGNING, 'name.startswith("ce_") or', 'name == "ce_id" or', _SIGNED),
    Rule("parts are told apart by their length", _SIGNING, 'len(part).to_bytes(4, "big") + part', "part", _SIGNED),
    Rule(
        "a jump of a snapshot's version is counted",
        "guanxi_common/messaging/policy.py",
        ") > FAR_AHEAD\n",
        ") > FAR_AHEAD * 2\n",
        f"{_PRODUCERS}::test_d19_versions_are_not_judged_by_their_distance_but_a_jump_is_counted",
    ),
)

_TRANSPORT: Final = "guanxi_common/transport.py"
_PLAIN: Final = f"{UNIT}/test_transport.py"
_SETTINGS: Final = f"{UNIT}/security/test_settings.py"
_RIGHTS: Final = f"{UNIT}/messaging/test_kafka_rights.py"

_connections = (
    Rule(
        "production refuses plain text that it was not told to allow",
        _TRANSPORT,
        "if kind not in allowed]",
        "if False]",
        f"{_SETTINGS}::test_production_refuses_every_connection_in_plain_that_it_was_not_told_to_allow",
    ),
    Rule(
        "a database's certificate is checked with its name",
        _TRANSPORT,
        'query.get("sslmode") == _CHECKED',
        '"sslmode" in query',
        _PLAIN,
    ),
    Rule("every host of an address counts", _TRANSPORT, "all(map(is_local, places))", "any(map(is_local, places))", _PLAIN),
    Rule(
        "an address that can be read in two ways is refused",
        _TRANSPORT,
        "    if (hosts and query.keys() & _REDIRECTING) or parts",
        "    if parts",
        _PLAIN,
    ),
    Rule("a parameter comes once", _TRANSPORT, "    if len(query) != len(pairs):", "    if False:", _PLAIN),
    Rule(
        "a password is not sent in plain", _TRANSPORT, 'security.mechanism == "PLAIN" and not security.encrypts', "False", _PLAIN
    ),
    Rule(
        "the address goes to the driver whole, with its sslmode",
        "guanxi_common/db/uow.py",
        'query={}), {"dsn": url}',
        "query={}), {}",
        f"{INTEGRATION}/db/test_tls.py::test_no_kind_of_connection_believes_another_authority",
    ),
    Rule(
        "only its producer may write to a topic",
        "guanxi_common/messaging/kafka/rights.py",
        'yield Right(consumer.service, "topic", "Read", topic.name)',
        'yield Right(consumer.service, "topic", "Write", topic.name)',
        _RIGHTS,
    ),
)

_LOG: Final = "guanxi_common/messaging/embedded"
_ROLES: Final = f"{INTEGRATION}/messaging/test_d19_log_roles.py"

_log_roles = (
    Rule(
        "a service appends to its own topics of the embedded log",
        f"{_LOG}/schema_2.sql",
        "AND (owns OR EXISTS (SELECT FROM writer WHERE writer.role = session_user AND writer.topic_id = log.topic_id))",
        "",
        f"{_ROLES}::test_d19_a_service_appends_to_its_own_topics_and_no_others",
    ),
    Rule(
        "a service moves its own group's positions",
        f"{_LOG}/schema_2.sql",
        "ALTER TABLE lease ENABLE ROW LEVEL SECURITY;\n",
        "",
        f"{_ROLES}::test_d19_nobody_moves_anothers_positions",
    ),
    Rule(
        "tombstones stay for a day",
        f"{_LOG}/schema_2.sql",
        "ELSE greatest(tombstones_kept_ms, 86400000) END",
        "ELSE tombstones_kept_ms END",
        f"{_ROLES}::test_d19_tombstones_stay_for_a_day_whatever_a_service_asks",
    ),
    Rule(
        "a service does not own the log",
        "guanxi_common/db/roles.py",
        '        server.query(f"REVOKE {BUS_ROLE} FROM {role}")\n',
        '        server.query(f"GRANT {BUS_ROLE} TO {role}")\n',
        f"{INTEGRATION}/db/test_roles.py::test_d19_all_share_the_log_and_none_owns_it",
    ),
)

_FIELDS: Final = f"{UNIT}/security/test_fields.py"

_ciphers = (
    Rule(
        "what the other hash has indexed is found",
        "guanxi_common/security/blind_index.py",
        "for digest in (self._digest, self._other)",
        "for digest in (self._digest,)",
        f"{_FIELDS}::test_what_either_cipher_has_indexed_is_found",
    ),
    Rule(
        "the cipher setting covers the wrapping of keys",
        "guanxi_common/keys/wrapping.py",
        'if self._cipher == "sm4-gcm":',
        "if False:",
        f"{_FIELDS}::test_what_either_cipher_has_wrapped_is_unwrapped",
    ),
)

TRANSPORT_RULES: Final = (*_signatures, *_connections, *_log_roles, *_ciphers)
