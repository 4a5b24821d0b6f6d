"""Why a file is not opened or changed, and why a case is not closed."""

from guanxi_common.errors import Conflict, Text, TooManyRequests


class IdentityKnown(Conflict):
    """A file that the caller may not see has this identity document; the data desk knows the case by its number."""

    code, title = "identity_known", Text("A file with this identity document exists", "该证件已有客户档案")
    keeps_effects = True

    def __init__(self, case_number: str) -> None:
        en = f"Ask the data desk, and name the case {case_number}."
        super().__init__(Text(en, f"请联系数据管理岗，并提供工单编号{case_number}。"))


class TooManyMatches(TooManyRequests):
    """Ten attempts of this caller have matched files out of scope today; nothing with an identity document is filed until tomorrow."""

    code, title = "too_many_matches", Text("Too many matches today", "今日证件重复次数过多")


class CaseClosed(Conflict):
    """The data desk has decided this case already."""

    code, title = "case_closed", Text("The case is closed", "工单已关闭")
