"""Issues of a made-up town in a few words each, and the people who handle them."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import count

from tasks.issues import Decision, decide, move
from tasks.models import Issue
from tests.tasks.land import TODAY, YEAR, Land

numbers = count(1)
DUE = date(2024, 12, 20)


class Ledger(Land):
    """清溪镇 with issues: ``issue("东村", measure=…)``; ``to("closed", issue)`` walks one there by two people."""

    def __init__(self):
        super().__init__()
        self.official, self.second = self.person("official"), self.person("official")
        self.head = self.person("village_head", self.villages["东村"])

    def issue(self, village="东村", **more) -> Issue:
        facts = {"area_mu": Decimal("3"), "cultivated_mu": Decimal("2.5"), "pbf_mu": Decimal(0), "due_on": DUE}
        return Issue.objects.create(
            town=self.town, year=YEAR, kind_id="illegal_use", ledger="a", ledger_title="台账",
            serial=str(next(numbers)), division=self.villages[village], **(facts | more),
        )  # fmt: skip

    def decided(self, measure="restore", **more) -> Issue:
        return decide(self.issue(**more), Decision(measure, TODAY - timedelta(days=5)), by=self.official).issue

    def to(self, state: str, issue: Issue) -> Issue:
        """Along the straight way to ``state``; the second official accepts."""
        steps = {
            "done": (self.official, 3), "accept": (self.second, 2), "close": (self.second, 1),
        }  # fmt: skip
        for name, (who, days) in steps.items():
            if issue.state == state:
                break
            issue = move(issue, name, by=who, on=TODAY - timedelta(days=days)).issue
        return issue
