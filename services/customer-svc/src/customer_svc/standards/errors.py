"""What can go wrong with a change of a standard. What concerns the two people: `proposals.errors`."""

from guanxi_common.errors import Conflict, Text


class EffectiveTooSoon(Conflict):
    """A version is known everywhere before it counts: it begins at least the notice after its approval, and never in the past."""

    code, title = "effective_too_soon", Text("The version would begin too soon after its approval", "生效时间距批准时间过短")


class StandardChanged(Conflict):
    """Another version was approved after the proposal; propose it again on the new one."""

    code, title = "standard_changed", Text("The standard has changed since the proposal", "提议之后该规范已有新版本")


class NoPreview(Conflict):
    """The kind does not say what a version would change."""

    code, title = "no_preview", Text("This kind of standard has no preview", "该类规范不支持预演")
