"""The rules of texts, of sums and of queues in which an item fails alone; see `tests.mutants.rules`."""

from typing import Final

from tests.mutants.rules import UNIT, Rule

TEXT: Final = f"{UNIT}/test_text.py"

_texts = (
    Rule(
        "a mask shows no more than half",
        "guanxi_common/text.py",
        "min(MASKED_TAIL, len(number) // 2)",
        "min(MASKED_TAIL, len(number))",
        f"{TEXT}::test_a_mask_shows_the_last_four_and_never_more_than_half",
    ),
    Rule(
        "a name holds no format character",
        "guanxi_common/text.py",
        '"Cc", "Cf", "Cs"',
        '"Cc", "Cs"',
        f"{TEXT}::test_what_nobody_sees_or_turns_the_order_around_is_refused",
    ),
    Rule(
        "a Persian name keeps its non-joiner",
        "guanxi_common/text.py",
        "return _is_virama(before) or all(_is_arabic(letter) for letter in neighbours)",
        "return _is_virama(before)",
        f"{TEXT}::test_what_scripts_need_stays",
    ),
    Rule(
        "a name is read by the type of names",
        "guanxi_common/http/bodies.py",
        "max_length=200), READABLE]",
        "max_length=200)]",
        f"{TEXT}::test_what_nobody_sees_or_turns_the_order_around_is_refused",
    ),
)

ITEMS_RULES: Final = (*_texts,)
