"""Pure rules of contact preferences: what a change may say."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from guanxi_common.errors import FieldError, Text


def wrong(
    channels: Sequence[str] | None, topics: Sequence[str] | None, quiet: tuple[str, str] | None, agreed_on: date, today: date
) -> list[FieldError]:
    """Everything that is wrong with it; None is left out or cleared."""
    found = []
    for pointer, named in (("/preferred_channels", channels), ("/topics", topics)):
        if named is not None and len(set(named)) != len(named):
            found.append(FieldError(pointer, "named_twice", Text("Something is named twice.", "存在重复项。")))
    if quiet is not None and quiet[0] == quiet[1]:
        detail = Text("Quiet hours begin and end at the same time.", "免打扰时段的起止时间相同。")
        found.append(FieldError("/quiet_hours/to", "no_hours", detail))
    if agreed_on > today:
        found.append(FieldError("/agreed_on", "in_the_future", Text("The date lies ahead.", "日期晚于今天。")))
    return found


def outdated(agreed: Mapping[str, Mapping[str, str]], fields: Collection[str], agreed_on: date) -> list[FieldError]:
    """The fields of which something was agreed later than that; it stands (D5)."""
    later = {name: agreed[name]["on"] for name in fields if name in agreed and agreed[name]["on"] > agreed_on.isoformat()}
    return [
        FieldError(f"/{name}", "agreed_later", Text(f"What stands was agreed on {day}.", f"现行约定日期为{day}。"))
        for name, day in later.items()
    ]
