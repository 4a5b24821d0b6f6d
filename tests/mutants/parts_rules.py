"""The rules of parts, start-up, secrets of production and the supervisor (D18)."""

from typing import Final

from tests.mutants.rules import INTEGRATION, UNIT, Rule

PARTS: Final = f"{UNIT}/test_worker_parts.py"
KEYS: Final = f"{INTEGRATION}/keys/test_key_store.py"
WORKER: Final = f"{INTEGRATION}/process/test_worker.py"
OPERATOR: Final = "libs/operator"
POLICY: Final = f"{OPERATOR}/tests/unit/test_restart_policy.py"
SUPERVISOR: Final = f"{OPERATOR}/tests/integration/test_supervisor.py"
FILES: Final = f"{UNIT}/test_private_files.py"
ENTROPY: Final = f"{UNIT}/security/test_entropy.py"
SETTINGS: Final = f"{UNIT}/security/test_settings.py"
ROLES: Final = f"{INTEGRATION}/db/test_roles.py"
HEALTH: Final = f"{INTEGRATION}/http/test_service_app.py"

_parts = (
    Rule(
        "a part that ends is started again",
        "guanxi_common/parts.py",
        '                await self._back_off(error or EndedByItself("it returned"), stop)\n',
        "                return\n",
        f"{PARTS}::test_d18_a_part_that_ends_is_started_again_and_its_neighbour_does_not_notice",
    ),
    Rule(
        "an exit raised in a part does not reach the event loop",
        "guanxi_common/parts.py",
        "        except (SystemExit, KeyboardInterrupt) as error:",
        "        except ZeroDivisionError as error:",
        f"{PARTS}::test_d18_a_part_that_ends_is_started_again_and_its_neighbour_does_not_notice",
    ),
    Rule(
        "the pause of a part that fails grows",
        "guanxi_common/parts.py",
        "FIRST_BACKOFF * 2 ** min(failures - 1, 10)",
        "FIRST_BACKOFF",
        f"{PARTS}::test_the_pause_doubles_and_is_bounded",
    ),
    Rule(
        "a stalled part is cancelled",
        "guanxi_common/parts.py",
        "            if looks == 2:",
        "            if False:",
        f"{PARTS}::test_a_part_that_stalls_is_cancelled_and_started_again",
    ),
    Rule(
        "a part has a deadline unless it says why not",
        "guanxi_common/parts.py",
        "        stalled_after: float | None = STALLED_SECONDS,",
        "        stalled_after: float | None = None,",
        f"{PARTS}::test_d18_every_part_of_a_process_has_a_deadline_but_the_one_that_waits_for_callers",
    ),
    Rule(
        "waiting for work is no stall",
        "guanxi_common/parts.py",
        "self._rests = True",
        "pass",
        f"{PARTS}::test_d18_waiting_for_work_is_no_stall_and_standing_still_is_one",
    ),
    Rule(
        "a job that hangs is given up",
        "guanxi_common/jobs.py",
        ", stalled_after=job.deadline)",
        ")",
        f"{PARTS}::test_d18_a_job_that_hangs_is_given_up_and_runs_again",
    ),
    Rule(
        "a part waits for what it needs",
        "guanxi_common/parts.py",
        "            for part in self.needs:\n                await first_of(part.done, stop)\n",
        "",
        f"{PARTS}::test_a_part_waits_for_what_it_needs_and_says_so",
    ),
    Rule(
        "what ended a part is not over because one lane gets on at once",
        "guanxi_common/parts.py",
        "        if self._heard - self._began > PROVEN_SECONDS:\n",
        "        if True:\n",
        f"{PARTS}::test_d18_what_ended_a_part_is_over_once_its_lanes_have_got_on_for_a_while",
    ),
    Rule(
        "a lane's success does not hide another lane's failures",
        "guanxi_common/parts.py",
        "        self._failures.pop(source, None)\n",
        "        self._failures.clear()\n",
        f"{PARTS}::test_one_lane_that_gets_on_does_not_hide_the_other_that_fails",
    ),
    Rule(
        "a worker ends on a schema that went back",
        "guanxi_common/process.py",
        "                self._unfit = error\n                stop.set()\n                return\n",
        "                raise\n",
        f"{WORKER}::test_a_worker_ends_on_a_schema_that_it_does_not_know_also_later",
    ),
    Rule(
        "a topic that cannot be made delays nobody who does not need it",
        "guanxi_common/process.py",
        "        finally:\n            part.achieve()\n",
        "        finally:\n            pass\n        part.achieve()\n",
        f"{WORKER}::test_d18_a_topic_that_cannot_be_made_delays_nobody_but_those_who_need_it",
    ),
    Rule(
        "a master key that is needed and missing is noticed",
        "guanxi_common/keys/database.py",
        ' if not self._wrapper.knows(row["id"]))',
        " if not row)",
        f"{KEYS}::test_d18_a_master_key_that_is_needed_and_missing_is_named",
    ),
    Rule(
        "an API without a master key that it needs is not ready",
        "guanxi_common/http/health.py",
        "    if missing:",
        "    if False:",
        f"{HEALTH}::test_not_ready_before_the_key_store_answered_or_while_a_master_key_is_missing",
    ),
)

_supervisor = (
    Rule(
        "a process that does not stay up is tried on",
        "guanxi_operator/policy.py",
        "            return LONG_DELAYS_SECONDS[min(self._long_pauses, len(LONG_DELAYS_SECONDS)) - 1]\n",
        "            return 1e9\n",
        f"{POLICY}::test_d18_from_the_fifth_exit_within_a_minute_on_it_is_tried_less_often_and_never_given_up",
        OPERATOR,
    ),
    Rule(
        "what is down at the stop makes the exit code",
        "guanxi_operator/supervisor.py",
        "            self._failed = True\n",
        "",
        f"{SUPERVISOR}::test_d18_a_program_that_is_not_there_is_waited_for_too",
        OPERATOR,
    ),
    Rule(
        "a child gets nothing of another service out of its supervisor's environment",
        "guanxi_operator/policy.py",
        " and not any(mark in name for mark in _OF_ONE_SERVICE)",
        "",
        f"{POLICY}::test_a_child_gets_the_systems_variables_and_our_settings_and_nobodys_credentials",
        OPERATOR,
    ),
    Rule(
        "a child gets nothing else that its supervisor's environment holds",
        "guanxi_operator/policy.py",
        "        if (name in _SYSTEM or name.startswith(_OURS))",
        "        if True",
        f"{POLICY}::test_a_child_gets_the_systems_variables_and_our_settings_and_nobodys_credentials",
        OPERATOR,
    ),
    Rule(
        "a file that was open to others is closed",
        "guanxi_common/private_files.py",
        "        os.fchmod(descriptor, _FILE_MODE)\n",
        "        pass\n",
        f"{FILES}::test_a_folder_and_files_that_were_open_to_others_are_closed",
    ),
    Rule(
        "one process moves a full file aside, not each",
        "guanxi_common/private_files.py",
        "            if self._is_current():\n                shift",
        "            if True:\n                shift",
        f"{FILES}::test_of_two_that_find_the_file_full_one_moves_it_aside",
    ),
)


def _entropy(name: str, text: str, without: str) -> Rule:
    return Rule(name, "guanxi_common/security/entropy.py", text, without, f"{ENTROPY}::test_a_key_that_was_not_drawn_is_refused")


_secrets = (
    _entropy(
        "a key with few different bytes is refused",
        "    if len(set(key)) < _LEAST_DISTINCT_BYTES:",
        "    if False:",
    ),
    _entropy(
        "a key with a long run is refused",
        "    if max(len(list(run)) for _, run in groupby(key)) > _LONGEST_RUN:  # 3e-11",
        "    if False:",
    ),
    _entropy(
        "a sequence is refused",
        "    if _counts(key):  # 2e-14",
        "    if False:",
    ),
    _entropy(
        "a text is refused as a key",
        "    if _is_text(key):  # 5e-10",
        "    if False:",
    ),
    _entropy(
        "a key that leaves a bit unused is refused",
        "    if _has_a_constant_bit(key):  # 4e-9",
        "    if False:",
    ),
    _entropy(
        "a typed key is refused",
        "    if _reads_as_words(",
        "    if not len(",
    ),
    Rule(
        "no key serves two uses",
        "guanxi_common/security/entropy.py",
        "        if key[:half] == again[:half] or key[half:] == again[half:]:",
        "        if False:",
        f"{ENTROPY}::test_no_key_serves_two_uses",
    ),
    Rule(
        "production looks whether its keys are shared",
        "guanxi_common/settings.py",
        "*self._shared_secrets(), ",
        "",
        f"{SETTINGS}::test_an_unfit_setting_is_named_and_not_shown",
    ),
    Rule(
        "production refuses the embedded log",
        "guanxi_common/settings.py",
        "        if self.bus_database_url:\n            problems",
        "        if False:\n            problems",
        f"{SETTINGS}::test_an_unfit_setting_is_named_and_not_shown",
    ),
    Rule(
        "production refuses few partitions",
        "guanxi_common/settings.py",
        "        if self.few_partitions:",
        "        if False:",
        f"{SETTINGS}::test_production_refuses_few_partitions",
    ),
)

_credentials = (
    Rule(
        "a service's role enters no other service's database",
        "guanxi_common/db/roles.py",
        '    server.query(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")\n',
        "",
        f"{ROLES}::test_a_role_enters_no_other_services_database",
    ),
    Rule(
        "the services that read the keys make none",
        "guanxi_common/db/roles.py",
        "GRANT SELECT ON TABLES TO {readers}",
        "GRANT ALL ON TABLES TO {readers}",
        f"{ROLES}::test_customer_svc_makes_keys_and_the_others_read_them",
    ),
    Rule(
        "what one role for all owned is given to the service's",
        "guanxi_common/db/roles.py",
        "    LOOP EXECUTE statement; END LOOP;",
        "    LOOP NULL; END LOOP;",
        f"{ROLES}::test_a_role_owns_what_is_its_services_also_what_was_there_before",
    ),
    Rule(
        "a restore leaves rights behind",
        "guanxi_common/backup/programs.py",
        '"--no-owner", "--no-privileges", str(file)',
        '"--no-owner", str(file)',
        f"{ROLES}::test_a_restore_leaves_rights_behind_so_that_any_server_can_take_the_dump",
    ),
    Rule(
        "the key that signs events is for its service's processes",
        "guanxi_operator/deployment.py",
        ' and self.signing_key.startswith(f"{service}-svc/")',
        "",
        f"{OPERATOR}/tests/unit/test_deployment.py::test_a_process_gets_its_own_services_credentials_and_no_others",
        OPERATOR,
    ),
)

PARTS_RULES: Final = (*_credentials, *_secrets, *_parts, *_supervisor)
