"""How a slice's route says in OpenAPI what it takes and gives: the models, with an example of each."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

_SUCCESS = {200: "Success", 201: "Created", 202: "Accepted"}


def documented(
    model: type[BaseModel],
    example: Any,
    *,
    status: int = 200,
    request: Any = None,
    request_zh: Any = None,
) -> dict[str, Any]:
    """The keyword arguments of a route: `@router.post(path, operation_id=…, summary=…, **documented(Out, {...}, request={...}))`.

    `request_zh` is the same request as a Chinese-speaking integrator would write it.
    """
    answer = {"model": model, "description": _SUCCESS[status], "content": {"application/json": {"example": example}}}
    options: dict[str, Any] = {"status_code": status, "responses": {status: answer}}
    examples: Mapping[str, Any] = {"en": request, "zh": request_zh}
    given = {locale: {"summary": _LABELS[locale], "value": value} for locale, value in examples.items() if value is not None}
    if given:
        options["openapi_extra"] = {"requestBody": {"content": {"application/json": {"examples": given}}}}
    return options


_LABELS = {"en": "Example", "zh": "示例"}
