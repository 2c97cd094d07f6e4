"""The duties: what a plan sets, what villages report, what comes out, what the check remarks."""

from tasks.models.forms import Form, Submission
from tasks.models.issue import Issue
from tasks.models.outcome import Finding, Progress, RedLineResult, Snapshot, Waiver
from tasks.models.plan import Entry, Milestone, Plan, PlanRevision, RedLine, Share, Statement, Target, TownYear

__all__ = [
    "Entry",
    "Finding",
    "Form",
    "Issue",
    "Milestone",
    "Plan",
    "PlanRevision",
    "Progress",
    "RedLine",
    "RedLineResult",
    "Share",
    "Snapshot",
    "Statement",
    "Submission",
    "Target",
    "TownYear",
    "Waiver",
]
