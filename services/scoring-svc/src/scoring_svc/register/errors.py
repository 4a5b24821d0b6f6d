"""What can go wrong with a model version."""

from guanxi_common.errors import Conflict, Text


class SamePerson(Conflict):
    """A version is approved by somebody other than who had it trained."""

    code, title = "same_person", Text("Approval needs a second person", "须由另一人批准")


class WrongState(Conflict):
    """The version is not in the state that this step starts from."""

    code, title = "wrong_state", Text("The version's state does not allow this", "模型版本的状态不允许此操作")


class OtherActive(Conflict):
    """`replaces` does not name the version that is in this place now: somebody was faster."""

    code, title = "other_version_active", Text("Another version is in place", "当前生效的是另一版本")
