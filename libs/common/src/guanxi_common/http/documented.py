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
    or_accepted: tuple[type[BaseModel], Any] | None = None,
) -> dict[str, Any]:
    """The keyword arguments of a route: `@router.post(path, operation_id=…, summary=…, **documented(Out, {...}, request={...}))`.

    `request_zh` is the same request as a Chinese-speaking integrator would write it.
    `or_accepted`: model and example of a 202, where the operation may be only begun by its answer.
    """
    options: dict[str, Any] = {"status_code": status, "responses": {status: _answer(model, example, status)}}
    if or_accepted is not None:
        options["responses"][202] = _answer(*or_accepted, 202)
    examples: Mapping[str, Any] = {"en": request, "zh": request_zh}
    given = {locale: {"summary": _LABELS[locale], "value": value} for locale, value in examples.items() if value is not None}
    if given:
        options["openapi_extra"] = {"requestBody": {"content": {"application/json": {"examples": given}}}}
    return options


def _answer(model: type[BaseModel], example: Any, status: int) -> dict[str, Any]:
    return {"model": model, "description": _SUCCESS[status], "content": {"application/json": {"example": example}}}


_LABELS = {"en": "Example", "zh": "示例"}
