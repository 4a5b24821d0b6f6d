"""A GET changes nothing but the audit log: a page of another origin, a crawler or a retry may send one unasked (RFC 9110 §9.2.1)."""

from guanxi_common.http.openapi import operations
from guanxi_testing.good_requests.targets import GoodRequests
from guanxi_testing.house import House

from tests.contract.sheet import SHEET

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'audit%' ORDER BY 1"
_CONTENT = "SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) AS digest FROM {table} t"


def _content(house: House, service: str) -> dict[str, str | None]:
    tables = [row["tablename"] for row in house.fetch(service, _TABLES)]
    return {table: house.fetch(service, _CONTENT.format(table=f'"{table}"'))[0]["digest"] for table in tables}


def test_a_get_changes_nothing_but_the_audit_log(house: House, requests: GoodRequests) -> None:
    reads = [  # all of them prepared before the first is sent
        (service, caller, requests[described["operationId"]](service, target)[0])
        for service, app in house.apps.items()
        for _, method, described in operations(app.openapi())
        if method == "get"
        for target, caller in [SHEET.permitted(described["operationId"])]
    ]
    before = {service: _content(house, service) for service in house.apps}
    for service, caller, path in reads:
        assert house.call(service, caller, "GET", path).is_success, path
    assert len(reads) > 50
    for service, content in before.items():
        assert _content(house, service) == content
