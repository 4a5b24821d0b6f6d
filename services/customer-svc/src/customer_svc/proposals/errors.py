"""What can go wrong between two people."""

from guanxi_common.errors import Conflict, Forbidden, InvalidInput, Text


class ReasonRequired(InvalidInput):
    """A second person decides, who must know why."""

    code, title = "reason_required", Text("A second person decides: give a reason", "该变更须由另一人批准：请填写原因")


class SamePerson(Conflict):
    """Who proposed a change does not decide about it."""

    code, title = "same_person", Text("Another person must decide", "须由另一人决定")


class OwnEntry(Conflict):
    """Nobody decides about their own entry."""

    code, title = "own_entry", Text("The proposal is about you", "该提议涉及本人")


class NotIndependent(Conflict):
    """One of the two entered or changed the other within seven days."""

    code, title = "not_independent", Text("Proposer and approver are not independent yet", "提议人与批准人在七日内互有变更")


class ProposalDecided(Conflict):
    """The proposal was approved, rejected or withdrawn before."""

    code, title = "proposal_decided", Text("The proposal has been decided", "该提议已有决定")


class ProposalExpired(Conflict):
    """Nobody decided in time; propose it again."""

    code, title = "proposal_expired", Text("The proposal has expired", "该提议已过期")


class ProposalOutdated(Conflict):
    """The entry was changed after the proposal; propose it again on the new version."""

    code, title = "proposal_outdated", Text("The entry has changed since the proposal", "提议之后条目已被修改")


class ProposerGone(Conflict):
    """Who proposed it may no longer propose."""

    code, title = "proposer_gone", Text("The proposer may no longer propose", "提议人已无提议权限")


class TooFewApprovers(Conflict):
    """Fewer than two would be left who can approve; enter somebody first."""

    code, title = "too_few_approvers", Text("At least two approvers must stay", "至少须保留两名批准人")


class NotTheProposer(Forbidden):
    """Only who proposed a change withdraws it."""

    code, title = "not_the_proposer", Text("Only the proposer withdraws", "仅提议人可撤回")


class EnoughApprovers(Conflict):
    """Two people can decide, so nobody is appointed on the host."""

    code, title = (
        "enough_approvers",
        Text("There are two approvers: propose it through the API", "已有两名批准人：请通过接口提议"),
    )
