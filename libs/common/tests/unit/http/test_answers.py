"""Answers are made of rows; what a row has besides the answer's own fields stays behind."""

from guanxi_common.http.bodies import Answer
from guanxi_common.http.call import encode


class Shown(Answer):
    name: str


def test_an_answer_holds_the_fields_that_it_names_and_no_other() -> None:
    row = {"name": "Li Wei", "identity_sealed": "c2VhbGVk"}
    assert encode(Shown(**row)) == b'{"name":"Li Wei"}'
    assert encode(Shown.model_validate(row)) == b'{"name":"Li Wei"}'
