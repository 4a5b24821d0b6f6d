"""All of them, by operation."""

from collections.abc import Callable

from guanxi_testing.good_requests.customer import customer_requests
from guanxi_testing.good_requests.engagement import engagement_requests
from guanxi_testing.good_requests.operators import operator_requests
from guanxi_testing.good_requests.scoring import scoring_requests
from guanxi_testing.good_requests.targets import GoodRequests, Request
from guanxi_testing.house import House


def good_requests(house: House) -> GoodRequests:
    of_one_service = {**customer_requests(house), **engagement_requests(house), **scoring_requests(house)}
    return {operation: _any_service(request) for operation, request in of_one_service.items()} | operator_requests(house)


def _any_service(request: Callable[[str], Request]) -> Callable[[str, str], Request]:
    return lambda _, target: request(target)
