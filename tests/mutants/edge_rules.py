"""The rules of the edge: connections, sockets, stored answers, and the issuer's keys."""

from typing import Final

from tests.mutants.rules import INTEGRATION, UNIT, Rule

CANCELLED: Final = f"{INTEGRATION}/db/test_d18_cancelled_calls.py"
GUARD: Final = "libs/testing/tests/integration/test_guard.py"
IDEMPOTENCY: Final = f"{INTEGRATION}/http/test_idempotency.py"
LISTS: Final = f"{INTEGRATION}/http/test_lists.py"
REFUSALS: Final = f"{INTEGRATION}/http/test_d21_refusals_and_rotation.py"
SERVICE_APP: Final = f"{INTEGRATION}/http/test_service_app.py"
SOCKETS: Final = f"{INTEGRATION}/http/test_d18_sockets.py"
SLOW_AND_LARGE: Final = f"{INTEGRATION}/http/test_slow_and_large.py"
TEXT: Final = f"{UNIT}/test_text.py"
TOKENS: Final = f"{UNIT}/security/test_tokens.py"


def _db(file: str) -> str:
    return f"guanxi_common/db/{file}"


def _http(file: str) -> str:
    return f"guanxi_common/http/{file}"


_connections = (
    Rule(
        "D18: a BEGIN in doubt ends its connection",
        _db("uow.py"),
        "                was_lost = driver.is_closed()\n                driver.terminate()\n",
        "                was_lost = driver.is_closed()\n",
        f"{CANCELLED}::test_a_server_process_that_stands_still_is_left_behind[begin]",
    ),
    Rule(
        "D18: a single statement in doubt ends its connection",
        _db("uow.py"),
        "                if isinstance(error, TimeoutError) or not isinstance(error, Exception):\n                    driver.terminate()\n",
        "",
        f"{CANCELLED}::test_a_server_process_that_stands_still_is_left_behind[one statement]",
    ),
    Rule(
        "D18: a transaction that was left open goes to nobody",
        _db("uow.py"),
        "not driver.is_closed() and not driver.is_in_transaction()",
        "not driver.is_closed()",
        f"{CANCELLED}::test_a_transaction_that_was_left_open_goes_to_nobody",
    ),
    Rule(
        "D18: a savepoint undoes what its block wrote",
        _db("uow.py"),
        'await self.driver.execute("ROLLBACK TO SAVEPOINT block; RELEASE SAVEPOINT block")',
        'await self.driver.execute("RELEASE SAVEPOINT block")',
        f"{CANCELLED}::test_a_savepoint_undoes_its_block_and_nothing_else",
    ),
    Rule(
        "D18: a savepoint undoes the wake-ups of its block",
        _db("uow.py"),
        "                del self._after_commit[callbacks:]\n",
        "",
        f"{CANCELLED}::test_a_savepoint_undoes_its_block_and_nothing_else",
    ),
)

_answers = (
    Rule(
        "D21: a refusal by a rule is kept",
        _http("call.py"),
        "                if claim is None or uow.committed or not idempotency.is_definite(refusal):\n                    raise\n",
        "                raise\n",
        f"{REFUSALS}::test_a_rule_refuses_the_same_way_again_and_nothing_else_is_kept",
    ),
    Rule(
        "D21: nothing but a refusal by a rule is kept",
        _http("idempotency.py"),
        'return refusal.status in (409, 422) and "Retry-After" not in refusal.headers',
        'return refusal.status < 500 and "Retry-After" not in refusal.headers',
        f"{REFUSALS}::test_a_rule_refuses_the_same_way_again_and_nothing_else_is_kept",
    ),
    Rule(
        "D21: a refusal that says when to come back is not kept",
        _http("idempotency.py"),
        'return refusal.status in (409, 422) and "Retry-After" not in refusal.headers',
        "return refusal.status in (409, 422)",
        f"{REFUSALS}::test_a_rule_refuses_the_same_way_again_and_nothing_else_is_kept",
    ),
    Rule(
        "D21: a refusal's effects are undone",
        _http("call.py"),
        "async with uow.savepoint() if claim is not None else nullcontext():",
        "async with nullcontext():",
        f"{REFUSALS}::test_a_rule_refuses_the_same_way_again_and_nothing_else_is_kept",
    ),
    Rule(
        "D21: a key is locked under every secret",
        _http("idempotency.py"),
        "    for digest in sorted(ids):\n",
        "    for digest in ids[:1]:\n",
        f"{REFUSALS}::test_processes_one_step_of_a_rotation_apart_answer_a_key_once",
    ),
    Rule(
        "D21: answers are looked up under every secret",
        _http("idempotency.py"),
        "fetch(_FIND, ids)",
        "fetch(_FIND, ids[:1])",
        f"{REFUSALS}::test_a_retry_after_a_rotation_finds_the_first_answer",
    ),
)

_transport = (
    Rule(
        "a HEAD is answered as its GET",
        _http("middleware.py"),
        '{**scope, "method": "GET"} if is_head else scope',
        "scope",
        f"{SERVICE_APP}::test_a_head_is_its_get_without_the_body",
    ),
    Rule(
        "no answer is guessed at",
        _http("browsers.py"),
        '    (b"x-content-type-options", b"nosniff"),\n',
        "",
        f"{SERVICE_APP}::test_no_answer_is_guessed_at_and_none_with_personal_data_is_stored",
    ),
    Rule(
        "no answer of /v1 is stored on the way",
        _http("middleware.py"),
        '                    headers.setdefault("Cache-Control", "no-store")\n',
        "                    pass\n",
        f"{SERVICE_APP}::test_no_answer_is_guessed_at_and_none_with_personal_data_is_stored",
    ),
    Rule(
        "a token with critical headers is refused",
        "guanxi_common/security/tokens.py",
        ' or "crit" in header:',
        ":",
        f"{TOKENS}::test_a_token_with_critical_headers_is_refused_whatever_they_say",
    ),
    *(
        Rule(
            f"a key is used only as its `{member}` says",
            "guanxi_common/security/jwks.py",
            text,
            "True",
            f"{TOKENS}::test_a_key_is_used_for_what_it_is_published_for",
        )
        for member, text in (
            ("use", 'key.get("use", "sig") == "sig"'),
            ("alg", '("alg" not in key or key["alg"] in algorithms)'),
            ("key_ops", '"verify" in operations'),
        )
    ),
)

_sockets = (
    Rule(
        "D18: a head has a size",
        _http("connections.py"),
        "return self._head > HEAD_BYTES or self._fields > HEAD_FIELDS",
        "return self._fields > HEAD_FIELDS",
        f"{SOCKETS}::test_a_head_has_a_size",
    ),
    Rule(
        "D18: a head has a number of fields",
        _http("connections.py"),
        "return self._head > HEAD_BYTES or self._fields > HEAD_FIELDS",
        "return self._head > HEAD_BYTES",
        f"{SOCKETS}::test_a_head_has_a_size",
    ),
    Rule(
        "D18: what is not complete has a size",
        _http("connections.py"),
        "        if self._arrived > HEAD_BYTES + 2 * self._body:\n",
        "        if False:\n",
        f"{SOCKETS}::test_a_head_has_a_size",
    ),
    Rule(
        "D18: a body may have what frames it",
        _http("connections.py"),
        "        self._body += len(body)\n",
        "",
        f"{SLOW_AND_LARGE}::test_a_gigabyte_in_chunks_is_cut_off_with_flat_memory",
    ),
    Rule(
        "D18: a head has a time",
        _http("connections.py"),
        "        elif self._head_deadline is None:\n            self._expect_head()\n",
        "",
        f"{SOCKETS}::test_a_head_has_a_time",
    ),
    Rule(
        "D18: silence has a time",
        _http("connections.py"),
        "        else:\n            self._expect_head()\n",
        "",
        f"{SOCKETS}::test_a_head_has_a_time",
    ),
    Rule(
        "D18: an answer that nobody takes ends",
        _http("connections.py"),
        "        super().pause_writing()\n        self._expect_reader()\n",
        "        super().pause_writing()\n",
        f"{SOCKETS}::test_a_client_that_takes_no_answer_is_cut_off",
    ),
    Rule(
        "D18: connections leave descriptors for the pool",
        _http("connections.py"),
        "        if len(self.connections) > self._most_connections:\n",
        "        if False:\n",
        f"{SOCKETS}::test_more_connections_than_descriptors_are_refused",
    ),
    Rule(
        "D18: the limit of descriptors is raised",
        _http("serve.py"),
        "        resource.setrlimit(resource.RLIMIT_NOFILE, (possible, hard))\n",
        "        pass\n",
        f"{SOCKETS}::test_the_limit_of_descriptors_is_raised_as_far_as_it_goes",
    ),
    Rule(
        "D18: a worker's probes do not count idle connections",
        "guanxi_common/telemetry/worker_http.py",
        "        http=bounded(MOST_CONNECTIONS),\n",
        "        limit_concurrency=32,\n",
        f"{UNIT}/telemetry/test_metrics_and_worker_http.py::test_d18_silent_connections_keep_no_probe_waiting",
    ),
    Rule(
        "D18: requests in work are bounded",
        _http("middleware.py"),
        "        if self._in_work >= self._most:\n",
        "        if False:\n",
        f"{SOCKETS}::test_requests_over_the_limit_are_refused_and_idle_connections_do_not_count",
    ),
    Rule(
        "D18: probes are answered in a busy process",
        _http("middleware.py"),
        '        if scope["type"] != "http" or scope["path"] in _QUIET:\n',
        '        if scope["type"] != "http":\n',
        f"{SOCKETS}::test_requests_over_the_limit_are_refused_and_idle_connections_do_not_count",
    ),
)

_requests = (
    Rule(
        "another spelling of a body is the same request",
        _http("idempotency.py"),
        "sealer.digests(request.target.encode(), canonical(request.body))",
        "sealer.digests(request.target.encode(), request.body)",
        f"{IDEMPOTENCY}::test_another_spelling_of_the_same_body_is_the_same_request",
    ),
    Rule(
        "a number is never the text that spells it",
        _http("documents.py"),
        '    return f"{_FRACTION}{sign}{significant}e{power}"',
        '    return f"{sign}{significant}e{power}"',
        f"{UNIT}/http/test_documents.py::test_another_document_is_another",
    ),
    Rule(
        "an operation refuses parameters that it does not know",
        _http("routes.py"),
        "            require_known(request, parameters)\n",
        "",
        f"{LISTS}::test_every_kind_of_route_refuses_a_parameter_that_it_does_not_know",
    ),
    Rule(
        "a hot operation refuses parameters that it does not know",
        _http("hot_route.py"),
        "            require_known(request, parameters)\n",
        "",
        f"{LISTS}::test_every_kind_of_route_refuses_a_parameter_that_it_does_not_know",
    ),
    Rule(
        "the name of an unknown parameter is repeated only if it looks like one of ours",
        _http("queries.py"),
        "pointer_to((name,))",
        'f"/{name}"',
        f"{LISTS}::test_a_parameter_that_is_not_known_is_422_with_its_name_and_those_that_are",
    ),
)

_texts = (
    Rule(
        "D1: a text must say something",
        _http("bodies.py"),
        "    if not says_something(text):\n",
        "    if not text:\n",
        f"{TEXT}::test_d1_blank_text_is_refused_with_its_place",
    ),
    Rule(
        "D1: a line must say something",
        _http("bodies.py"),
        "    spoken = _require_spoken(line)\n",
        "    spoken = line.strip()\n",
        f"{TEXT}::test_d1_blank_text_is_refused_with_its_place",
    ),
    Rule(
        "D1: a mark without a letter says nothing",
        "guanxi_common/text.py",
        '{"Zs", "Mn", "Me", "Mc"}',
        '{"Zs"}',
        f"{TEXT}::test_d1_blank_text_says_nothing",
    ),
)

_runs = (
    Rule(
        "the embedded PostgreSQL belongs to the run that starts it",
        _db("embedded.py"),
        'for name in ("PATH", RUN_MARK) if',
        'for name in ("PATH",) if',
        f"{GUARD}::test_the_postgresql_and_the_workers_of_a_killed_run_end_with_it",
    ),
    Rule(
        "what bears the mark ends with the run",
        "guanxi_testing/guard.py",
        "    sys.stdin.buffer.read()\n    end_marked(mark)\n",
        "    sys.stdin.buffer.read()\n",
        f"{GUARD}::test_processes_end_with_the_run_that_started_them",
        package="libs/testing",
    ),
)

EDGE_RULES: Final = (*_connections, *_answers, *_transport, *_sockets, *_requests, *_texts, *_runs)
