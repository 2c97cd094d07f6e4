"""New issues, corrections, and decisions for many rows at once."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from parcels.models import Kind
from tasks.acceptance import Refused
from tasks.clues import clue_for, take_up
from tasks.issue_entry import create, edit
from tasks.issues import MOVES, Decision, decide
from tasks.models import Issue, TownYear
from tasks.pages import town_page
from tasks.plan.ledgers import printed_codes
from tasks.rulebook import Rulebook, rulebook
from tasks.views.acceptance_form import AreaField, DayField, divisions_inside
from tasks.views.common import where
from tasks.views.issue_detail import STATUSES, issue_in
from tasks.views.issues import dress

YES_NO = [("", "不知道"), ("yes", "是"), ("no", "否")]
MOST = 200  # rows decided at once


class IssueForm(forms.Form):
    """One row of a ledger as a person types it."""

    project = forms.CharField(label="项目名称", max_length=200, error_messages={"required": "请写项目名称。"})
    codes = forms.CharField(label="图斑编号", required=False, max_length=300, help_text="几个编号用“、”隔开。")
    division = forms.ChoiceField(label="责任单位", error_messages={"required": "请选择责任单位。"})
    location = forms.CharField(label="坐落", required=False, max_length=120, help_text="村和组，如双永村十四组。")
    area_mu = AreaField(label="图斑面积（亩）", required=False)
    cultivated_mu = AreaField(label="耕地（亩）", required=False)
    pbf_mu = AreaField(label="永久基本农田（亩）", required=False)
    source = forms.ChoiceField(label="问题来源", required=False)
    problem_kind = forms.ChoiceField(label="问题类型", required=False)
    use = forms.ChoiceField(label="地面现状", required=False)
    key_project = forms.ChoiceField(label="重点工程", required=False, choices=YES_NO)
    restorable = forms.ChoiceField(label="能否恢复", required=False, choices=YES_NO)
    homestead = forms.BooleanField(label="是农村宅基地", required=False)
    due_on = DayField(label="整改时限", required=False)
    note = forms.CharField(label="备注", required=False, max_length=300)
    reason = forms.CharField(label="理由", required=False, max_length=300)
    OTHERS = ("reason", "version", "kind", "clue")  # not of the row itself

    def __init__(self, *args, book: Rulebook, divisions: list, **kwargs):
        super().__init__(*args, **kwargs)
        self.divisions = {one.code: one for one in divisions}
        self.fields["division"].choices = [("", "请选择"), *((code, one.name) for code, one in self.divisions.items())]
        for name, dictionary in (("source", "source"), ("problem_kind", "problem_kind"), ("use", "ground_state")):
            self.fields[name].choices = [("", "没有写"), *book.choices(dictionary)]

    def values(self) -> dict:
        """As ``issue_entry.lay`` takes them."""
        found = {name: value for name, value in self.cleaned_data.items() if name not in self.OTHERS}
        found["codes"] = printed_codes(found["codes"])
        found["division"] = self.divisions[found["division"]]
        return found


class NewIssueForm(IssueForm):
    """A new row, perhaps from a patrol's clue."""

    kind = forms.ChoiceField(label="任务类型")
    clue = forms.CharField(widget=forms.HiddenInput, required=False, max_length=36)
    field_order = ("kind", "project", "codes", "division", "location")

    def __init__(self, *args, kinds, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = kinds
        del self.fields["reason"]


class EditIssueForm(IssueForm):
    """A row corrected; out of scope means listed and not counted."""

    is_excluded = forms.BooleanField(
        label="不在整治范围（列出，不计数）", required=False, help_text="如农村宅基地；移出移回须写理由。"
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1)


def kinds_of_issues() -> list[tuple[str, str]]:
    """The kinds whose problems are closed one by one, first; then the others that issues may be about."""
    rows = Kind.objects.filter(children=None).exclude(nature=Kind.STOCK)
    return [(one.code, one.name) for one in sorted(rows, key=lambda one: (one.nature != Kind.OPEN, one.order))]


def places_to_write(user, town_year: TownYear, right: str, stands: int | None = None) -> list:
    """The divisions the user may write issues about, with the one (``stands``) an issue is in; 403 for none."""
    every, today = divisions_inside(user, town_year, ended=True), town_year.today()
    found = [one for one in every if (one.is_alive(today) or one.pk == stands) and user.can(right, one)]
    if not found:
        raise PermissionDenied
    return found


@town_page
@require_http_methods(["GET", "HEAD", "POST"])
def issue_create(request, town_year: TownYear):
    """A new row of the town's own ledger; ``?clue=`` fills it from a patrol's clue, which is then taken up."""
    divisions, book = places_to_write(request.user, town_year, "decide"), rulebook(town_year.town, town_year.year)
    clue = clue_for(request.user, town_year, request.POST.get("clue") or request.GET.get("clue") or "")
    given = {"book": book, "divisions": divisions, "kinds": kinds_of_issues()}
    if request.method != "POST":
        return _new(request, town_year, NewIssueForm(initial=_from_clue(clue), **given), clue)
    form = NewIssueForm(request.POST, **given)
    if form.is_valid():
        try:
            with transaction.atomic():
                done = _create(request.user, town_year, form, clue)
        except Refused as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        else:
            messages.success(request, "问题已登记。")
            return redirect("issue_detail", **where(town_year), pk=done.issue.pk)
    return _new(request, town_year, form, clue, 400)


def _create(user, town_year: TownYear, form: NewIssueForm, clue):
    values = form.values() | {"kind_id": form.cleaned_data["kind"]}
    if not user.can("decide", values["division"], values["kind_id"]):
        raise Refused(f"您没有在“{values['division']}”登记这类问题的权限。", field="division")
    reason = f"巡查线索：{clue.place}" if clue else ""
    done = create(town_year, values, by=user, on=town_year.today(), reason=reason)
    if clue:
        take_up(clue, done.issue, by=user)
    return done


def _from_clue(clue) -> dict:
    if clue is None:
        return {"kind": "illegal_use"}
    return {
        "kind": "illegal_use", "division": clue.division.code, "location": clue.place, "source": "self_report",
        "project": clue.name, "note": clue.note, "use": clue.use, "clue": str(clue.pk),
    }  # fmt: skip


def _new(request, town_year: TownYear, form: NewIssueForm, clue, status: int = 200):
    return render(request, "tasks/issue_new.html", {"town_year": town_year, "form": form, "clue": clue}, status=status)


@town_page
@require_http_methods(["GET", "HEAD", "POST"])
def issue_edit(request, town_year: TownYear, pk):
    """Correct a row; the second of two editors sees both values."""
    issue = issue_in(request.user, town_year, pk, "decide")
    divisions = places_to_write(request.user, town_year, "decide", issue.division_id)
    book, status = rulebook(town_year.town, town_year.year), 200
    if request.method == "POST":
        form, status = EditIssueForm(request.POST, book=book, divisions=divisions), 400
        if form.is_valid():
            try:
                done = edit(
                    issue, form.values(), by=request.user, on=town_year.today(), reason=form.cleaned_data["reason"],
                    version=form.cleaned_data["version"],
                )  # fmt: skip
            except Refused as refusal:
                status = STATUSES.get(refusal.code, 400)
                form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
            else:
                messages.success(request, "已修改。" if done else "没有变化。")
                return redirect("issue_detail", **where(town_year), pk=issue.pk)
    else:
        form = EditIssueForm(initial=_now(issue), book=book, divisions=divisions)
    return render(
        request, "tasks/issue_edit.html", {"town_year": town_year, "one": issue, "form": form}, status=status
    )


def _now(issue: Issue) -> dict:
    names = ("project", "location", "area_mu", "cultivated_mu", "pbf_mu", "source", "problem_kind", "due_on",
             "is_excluded", "version")  # fmt: skip
    cells = {name: issue.cells.get(name, "") for name in ("use", "key_project", "restorable", "homestead", "note")}
    found = {name: getattr(issue, name) for name in names} | cells
    return found | {"codes": "、".join(issue.codes), "division": issue.division.code}


class BulkForm(forms.Form):
    """Accept the suggestions for the chosen rows."""

    on = DayField(label="决定日期")
    review_on = DayField(label="复查日期", required=False, help_text="用于没有整改时限的行。")
    reason = forms.CharField(label="理由", required=False, max_length=300)


@town_page
@require_POST
def issue_bulk(request, town_year: TownYear):
    """Chosen rows with what the rules suggest for each; written only when confirmed, and then all or none."""
    places_to_write(request.user, town_year, "decide")
    rows, today = _chosen(request, town_year), town_year.today()
    ready = [one for one in rows if not one.hindrance]
    confirmed = "confirm" in request.POST
    form = BulkForm(request.POST) if confirmed else BulkForm(initial={"on": today})
    status = 400 if confirmed or not rows else 200
    if confirmed and form.is_valid() and ready:
        try:
            with transaction.atomic():
                for one in ready:
                    _decide_one(one, form.cleaned_data, request)
        except Refused as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
            status = STATUSES.get(refusal.code, 400)
        else:
            messages.success(request, f"{len(ready)} 个问题已按建议确定方式。")
            return redirect("issue_list", **where(town_year))
    page = {"town_year": town_year, "rows": rows, "ready": ready, "form": form}
    return render(request, "tasks/issue_bulk.html", page, status=status)


def _decide_one(one: Issue, values: dict, request) -> None:
    version = request.POST.get(f"version-{one.pk}", "")
    decision = Decision(
        measure=one.suggested_measure,
        on=values["on"],
        reason=values["reason"],
        review_on=None if one.due_on else values["review_on"],
        version=int(version) if version.isascii() and version.isdigit() and len(version) < 9 else one.version,
    )
    try:
        decide(one, decision, by=request.user)
    except Refused as refusal:
        raise Refused(f"第 {one.serial} 行：{refusal.message}", field=refusal.field, code=refusal.code) from refusal


def _chosen(request, town_year: TownYear) -> list[Issue]:
    """The rows whose boxes were ticked, each with why it cannot be decided along; others' rows are not there."""
    try:
        rows = Issue.objects.visible_to(request.user).filter(pk__in=request.POST.getlist("issue")[:MOST])
        rows = rows.filter(town=town_year.town, year=town_year.year).order_by("ledger", "order")
        found = list(rows.select_related("town", "division", "responsible_division", "kind"))
    except (ValidationError, ValueError):
        return []
    book = rulebook(town_year.town, town_year.year)
    for one in found:
        dress(one, book, town_year.today())
        suggestion = book.suggestion(one)
        one.suggested_measure = suggestion.measure if suggestion else ""
        one.suggested_name = book.label("measure", one.suggested_measure)
        one.foreseen = book.warnings(one, one.suggested_measure) if suggestion else []
        one.hindrance = _hindrance(one, request.user)
    return found


def _hindrance(one: Issue, user) -> str:
    if not user.can("decide", one.division, one.kind_id):
        return "您没有决定这个问题的权限"
    if one.is_excluded:
        return "不在整治范围"
    if one.state not in ("open", "reopened"):
        return f"现在是“{one.state_name}”，不能{MOVES['decide'].label}"
    return "" if one.suggested_measure else "规则没有给出建议"
