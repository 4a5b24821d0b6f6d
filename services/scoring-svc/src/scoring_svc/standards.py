"""The standards of scoring-svc, beside the slices that use them."""

from guanxi_common import standards
from guanxi_common.standards import S


def load_standards(kind: type[S], slice_name: str, file: str = "standards.yaml") -> tuple[S, ...]:
    """The versions that ship with the service, oldest first."""
    return standards.load_standards("scoring_svc", kind, slice_name, file)
