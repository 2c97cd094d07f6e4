"""The forms of an issue's page: what was typed, checked for being dates and numbers; the rest is the services'."""

from django import forms

from tasks.issues import Decision, Meeting, Permit
from tasks.models import Issue, PermitCase
from tasks.rulebook import Rulebook
from tasks.views.acceptance_form import DayField


class MoveForm(forms.Form):
    """One step: the day, why, and the version that was seen."""

    on = DayField(label="日期")
    reason = forms.CharField(label="理由", required=False, max_length=300)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1)

    def __init__(self, *args, needs_reason: bool = False, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = needs_reason
        self.fields["reason"].error_messages["required"] = "请写明理由。"


class DecideForm(MoveForm):
    """确定整改方式."""

    measure = forms.ChoiceField(label="整改方式", error_messages={"required": "请选择整改方式。"})
    due_on = DayField(label="整改时限", required=False)
    review_on = DayField(label="复查日期", required=False, help_text="没有整改时限的须填。")
    field_order = ("measure", "on", "due_on", "review_on", "reason", "version")

    def __init__(self, *args, book: Rulebook, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["measure"].choices = [("", "请选择"), *book.choices("measure")]
        self.fields["on"].label = "决定日期"
        self.fields["reason"].help_text = "与建议不同的须写。"

    def decision(self) -> Decision:
        names = ("measure", "on", "reason", "due_on", "review_on", "version")
        return Decision(**{name: self.cleaned_data[name] for name in names})


class MeetingForm(forms.Form):
    """一事一议."""

    level = forms.ChoiceField(label="层级")
    held_on = DayField(label="会议日期")
    place = forms.CharField(label="地点", required=False, max_length=120)
    present = forms.IntegerField(label="到会人数", min_value=1, max_value=100_000)
    agreed = forms.IntegerField(label="同意人数", min_value=0, max_value=100_000)
    conclusion = forms.CharField(label="结论", max_length=300, error_messages={"required": "请写结论。"})
    minutes = forms.FileField(label="会议记录", required=False, help_text="PDF、DOCX 或 JPG，最大 20 MB。")

    def __init__(self, *args, book: Rulebook, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["level"].choices = book.choices("level")

    def meeting(self) -> Meeting:
        return Meeting(**{name: value for name, value in self.cleaned_data.items() if name != "minutes"})


class PermitForm(forms.Form):
    """外部审批: an application, or with number and day what became of it."""

    permit = forms.ChoiceField(label="事项")
    authority = forms.CharField(label="办理单位", required=False, max_length=60)
    applied_on = DayField(label="申请日期")
    outcome = forms.ChoiceField(label="结果", choices=PermitCase.OUTCOMES)
    number = forms.CharField(label="文号或受理号", required=False, max_length=60)
    decided_on = DayField(label="办结日期", required=False)
    note = forms.CharField(label="说明", required=False, max_length=300)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1)

    def __init__(self, *args, book: Rulebook, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["permit"].choices = book.choices("permit")

    def permit_values(self) -> Permit:
        values = {name: value for name, value in self.cleaned_data.items() if name != "version"}
        return Permit(**values)


def first_decision(issue: Issue, today) -> dict:
    """What the form offers: the rules' measure, else the printed one."""
    return {
        "measure": issue.suggested_measure if issue.state in ("open", "reopened") else issue.measure,
        "on": today,
        "due_on": issue.due_on,
        "review_on": issue.review_on,
        "version": issue.version,
    }
