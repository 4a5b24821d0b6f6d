"""Query parameters that an operation does not know are refused.

A misspelled filter (`?outlet=` for `?outlet_id=`) that nobody reads would answer with every row, and the caller would not know.
"""

from collections.abc import Sequence

from starlette.requests import Request

from guanxi_common.errors import FieldError, InvalidInput, Text
from guanxi_common.http.problems import pointer_to

CODE = "unknown_parameter"
_MOST_SHOWN = 20


def require_known(request: Request, parameters: Sequence[str]) -> None:
    """Raise `InvalidInput`, with the name of each parameter of the query that is not among `parameters` and with those that are.

    A name that looks like none of ours is left out: it may be what the caller typed.
    """
    if not request.scope["query_string"]:
        return
    unknown = [name for name in request.query_params if name not in parameters]
    if unknown:
        known = ", ".join(parameters)
        detail = (
            Text(f"This parameter is not known here. Known are: {known}.", f"此处没有该参数。可用参数：{known}。")
            if known
            else Text("This operation takes no query parameters.", "该操作没有查询参数。")
        )
        raise InvalidInput(errors=[FieldError(pointer_to((name,)), CODE, detail, "query") for name in unknown[:_MOST_SHOWN]])
