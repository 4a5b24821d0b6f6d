"""R7: requests generated from the OpenAPI documents against a house in use. Nothing answers 5xx; every answer is as documented.

Half of the requests name things that exist. The good request of the operation goes with them, so each one also succeeds once.
"""

import re
from typing import Any

import httpx
import pytest
import schemathesis
from guanxi_common.http.openapi import operations
from guanxi_testing.good_requests.targets import GoodRequests
from guanxi_testing.house import House
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from tests.contract.sheet import SHEET

EXAMPLES = 50
CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.mark.parametrize("operation", SHEET.rows)
def test_generated_requests(house: House, requests: GoodRequests, operation: str) -> None:
    target, caller = SHEET.permitted(operation)
    for service, app in house.apps.items():
        document = app.openapi()
        for path, method, described in operations(document):
            if described["operationId"] == operation:
                good_path, body = requests[operation](service, target)
                answer = house.call(service, caller, method.upper(), good_path, json=body)
                assert answer.is_success, answer.text
                generate(house, service, caller, schemathesis.openapi.from_dict(document)[path][method.upper()], path, good_path)


def generate(house: House, service: str, caller: str, operation: Any, template: str, good_path: str) -> None:
    known = path_parameters(template, good_path)
    authorised = {"Authorization": f"Bearer {house.token(caller)}"}

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), of_a_known_thing=st.booleans())
    def one(case: Any, *, of_a_known_thing: bool) -> None:
        if of_a_known_thing:
            case.path_parameters = known
        case.headers = {**(case.headers or {}), **authorised}
        sent = case.as_transport_kwargs(base_url=house.urls[service])
        sent.pop("cookies", None)
        case.validate_response(house.client.request(**sent), checks=CHECKS)

    one()


def path_parameters(template: str, path: str) -> dict[str, str]:
    """The values in `path` of the parameters that `template` names."""
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/:]+)", re.escape(template))
    found = re.fullmatch(pattern, httpx.URL(path).path)
    assert found is not None
    return found.groupdict()
