"""The kinds of standards that engagement-svc goes by (D6). Its procedures still stand in `standards.yaml`."""

from typing import Any, Final

from guanxi_common.standards import Kind

KINDS: Final[tuple[Kind[Any], ...]] = ()
