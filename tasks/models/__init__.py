"""The duties: what a plan sets, what villages report, what comes out, what the check remarks."""

from tasks.models.clue import Clue, Referral
from tasks.models.forms import Form, Submission
from tasks.models.issue import Deliberation, Issue, IssueEvent, PermitCase
from tasks.models.outcome import Finding, Progress, RedLineResult, Snapshot, Waiver
from tasks.models.plan import Entry, Milestone, Plan, PlanRevision, RedLine, Share, Statement, Target, TownYear

__all__ = [
    "Clue",
    "Deliberation",
    "Entry",
    "Finding",
    "Form",
    "Issue",
    "IssueEvent",
    "Milestone",
    "PermitCase",
    "Plan",
    "PlanRevision",
    "Progress",
    "RedLine",
    "RedLineResult",
    "Referral",
    "Share",
    "Snapshot",
    "Statement",
    "Submission",
    "Target",
    "TownYear",
    "Waiver",
]
