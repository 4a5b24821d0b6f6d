"""The rules of the audit log at the edge; see `tests.mutants.rules`."""

from typing import Final

from tests.mutants.rules import INTEGRATION, Rule

CUSTOMER: Final = "services/customer-svc"

AUDIT_RULES: Final = (
    Rule(
        "a write without an audit entry is rolled back",
        "guanxi_common/http/call.py",
        "        if not self.uow.audited:",
        "        if False:",
        f"{INTEGRATION}/http/test_call.py::test_7_9_a_write_without_an_audit_entry_is_rolled_back",
    ),
    Rule(
        "a search is logged whatever it finds",
        "customer_svc/customers/routes.py",
        '        await audit.record(read.uow, read.audit, outcome, service.asked_for(body), subject_type="search")\n',
        "",
        "tests/contract/test_audit.py::test_7_9_a_search_is_logged_whatever_it_finds",
        CUSTOMER,
    ),
)
