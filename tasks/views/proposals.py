"""自选图斑: the village's proposals, the town's review, the county's approval of many under one document."""

from dataclasses import replace
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from farmland.accounts.models import Event
from farmland.lib.refused import Refused
from parcels.models import Proposal
from tasks import boundary
from tasks.former import name_of
from tasks.land import allowed_kinds
from tasks.models import TownYear
from tasks.pages import town_page
from tasks.proposals import MOVES, STATES, Wish, approve, move, propose, warnings_of
from tasks.views.acceptance_form import AreaField, DayField, divisions_inside
from tasks.views.common import Labels, export_query, where
from tasks.views.papers import given_back, keep_paper
from tasks.views.parcel_acts import Act
from tasks.views.trail import line

BOUNDARY = "proposal_boundary"
LOOKS = {  # the shape beside the word of a state
    "proposed": "pending", "town_approved": "pending", "approved": "done", "refused": "returned",
    "withdrawn": "revoked",
}  # fmt: skip


class ProposalForm(forms.Form):
    """提出自选图斑."""

    division = forms.ChoiceField(label="村")
    group = forms.CharField(label="组", required=False, max_length=40)
    code = forms.CharField(label="图斑编号", max_length=80, error_messages={"required": "请写图斑编号。"})
    kind = forms.ChoiceField(label="任务")
    area_mu = AreaField(label="面积（亩）")
    land_class = forms.ChoiceField(label="国土变更调查地类", help_text="应为非耕地。")
    slope = AreaField(label="坡度（度）")
    in_redline = forms.ChoiceField(label="在生态红线内", choices=[("", "请选择"), ("no", "不在"), ("yes", "在")])
    planned_order = forms.IntegerField(label="实施次序", min_value=1, max_value=9999)
    consented_on = DayField(label="权利人同意日期")
    consent = forms.FileField(label="同意书", required=False, help_text="PDF、DOCX 或 JPG，最大 20 MB。")
    boundary = forms.FileField(
        label="边界文件",
        required=False,
        help_text="有就附上：GeoJSON、KML 或打包的 Shapefile，里面只有这一块；和红线、陡坡图层比对。",
        widget=forms.FileInput(attrs={"accept": ".geojson,.json,.kml,.kmz,.zip,.gpkg"}),
    )
    note = forms.CharField(label="说明", required=False, max_length=300)

    def __init__(self, *args, town_year: TownYear, user, **kwargs):
        super().__init__(*args, **kwargs)
        labels = Labels(town_year.town)
        inside = [one for one in divisions_inside(user, town_year) if one.pk != town_year.town_id]
        self.divisions = {one.code: one for one in inside if user.can("report", one)}
        self.fields["division"].choices = [(code, one.name) for code, one in self.divisions.items()]
        self.fields["kind"].choices = [(one.code, one.name) for one in allowed_kinds(town_year)]
        classes = [(code, f"{code} {label}") for code, label in labels.all("land_class").items()]
        self.fields["land_class"].choices = [("", "请选择"), *classes]

    def wish(self) -> Wish:
        values = {name: value for name, value in self.cleaned_data.items() if name not in ("consent", "boundary")}
        values["division"] = self.divisions[values["division"]]
        values["in_redline"] = values["in_redline"] == "yes"
        values["code"] = values["code"].strip()
        return Wish(**values)


class ApprovalForm(forms.Form):
    """登记县级批复."""

    number = forms.CharField(label="批复文号", max_length=60, error_messages={"required": "请写批复文号。"})
    approved_on = DayField(label="批复日期")


class ProposalMoveForm(forms.Form):
    """One step of the review."""

    move = forms.ChoiceField(choices=[(name, one.label) for name, one in MOVES.items() if name != "approve"])
    reason = forms.CharField(label="原因", required=False, max_length=300, help_text="不通过和撤回须写。")


def proposals_of(user, town_year: TownYear):
    rows = Proposal.objects.visible_to(user).of_year(town_year.town, town_year.year)
    return rows.select_related("division__merged_into", "kind", "parcel", "proposed_by", "reviewed_by", "consent")


def proposal_in(user, town_year: TownYear, pk) -> Proposal:
    one = proposals_of(user, town_year).filter(pk=pk).first()
    if one is None:
        raise Http404
    return one


@town_page
@require_safe
def proposal_list(request, town_year: TownYear):
    return show_list(request, town_year, ApprovalForm(initial={"approved_on": town_year.today()}))


def show_list(request, town_year: TownYear, form: ApprovalForm, status: int = 200):
    rows = list(proposals_of(request.user, town_year).order_by("division__path", "planned_order", "pk"))
    rows.sort(key=lambda one: list(STATES).index(one.state))  # what waits comes first
    for one in rows:
        one.look, one.place = LOOKS[one.state], name_of(one.division, town_year.today())
    counts = {state: [one for one in rows if one.state == state] for state in STATES}
    tally = [(STATES[state], len(found), "个") for state, found in counts.items() if found]
    may = {right: request.user.can(right) and not town_year.closed_on for right in ("report", "decide")}
    page = {"town_year": town_year, "rows": rows, "tally": tally, "form": form, "may": may}
    page["export"] = export_query(town_year, {})
    page["waiting"] = counts["town_approved"]
    return render(request, "proposals/list.html", page, status=status)


@town_page
@require_http_methods(["GET", "HEAD", "POST"])
def proposal_create(request, town_year: TownYear):
    sent = {"data": request.POST, "files": request.FILES} if request.method == "POST" else {}
    form = ProposalForm(**sent, town_year=town_year, user=request.user)
    if not form.divisions:
        raise PermissionDenied
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                wish = with_boundary(form.wish(), form.cleaned_data["boundary"], request.user)
                consent = keep_paper(
                    form.cleaned_data["consent"], wish.division, request.user, purpose="consent", field="consent"
                )
                one = propose(town_year, wish, by=request.user, consent=consent)
            except Refused as refusal:
                status = 409 if refusal.code in ("conflict", "closed") else 400
                form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
            else:
                if one.state == "refused":
                    messages.error(request, f"未通过：{one.reason}")
                else:
                    messages.success(request, "已提出，等镇里审核。")
                return redirect("proposal_detail", **where(town_year), pk=one.pk)
    act = Act("提出自选图斑", "提出", "", "坡度 25 度以上和生态红线内的不予通过")
    shown = {"town_year": town_year, "form": form, "act": act}
    return render(request, "proposals/new.html", shown, status=status)


def with_boundary(wish: Wish, file, user) -> Wish:
    """The wish with the one boundary of the file, which is kept as it came."""
    if not file:
        return wish
    drawn = boundary.read_one(boundary.keep(file, wish.division, user, purpose=BOUNDARY))
    return replace(wish, wkb=drawn.wkb, issued_crs=drawn.crs)


@town_page
@require_safe
def proposal_detail(request, town_year: TownYear, pk):
    one = proposal_in(request.user, town_year, pk)
    return show(request, town_year, one, ProposalMoveForm())


def show(request, town_year: TownYear, one: Proposal, form: ProposalMoveForm, status: int = 200):
    open_moves = [] if town_year.closed_on else [
        (name, step.label) for name, step in MOVES.items()
        if one.state in step.before and name != "approve" and request.user.can(step.right, one.division, one.kind_id)
    ]  # fmt: skip
    page = {
        "town_year": town_year,
        "one": one,
        "place": name_of(one.division, town_year.today()),
        "facts": _facts(one, Labels(town_year.town)),
        "moves": open_moves,
        "form": form,
        "trail": _trail(one),
        "warnings": warnings_of(one) if one.state in ("proposed", "town_approved") else [],
    }
    return render(request, "proposals/detail.html", page, status=status)


@town_page
@require_POST
def proposal_move(request, town_year: TownYear, pk):
    """The town passes or refuses; the village withdraws."""
    one = proposal_in(request.user, town_year, pk)
    form = ProposalMoveForm(request.POST)
    name = form.cleaned_data["move"] if form.is_valid() else ""
    right = MOVES[name].right if name else "report"
    if not request.user.can(right, one.division, one.kind_id):
        raise PermissionDenied
    if not name:
        return show(request, town_year, one, form, 400)
    try:
        move(town_year, one, name, by=request.user, reason=form.cleaned_data["reason"])
    except Refused as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        return show(request, town_year, one, form, 409 if refusal.code in ("conflict", "closed") else 400)
    messages.success(request, f"{MOVES[name].label}已登记。")
    return redirect("proposal_detail", **where(town_year), pk=one.pk)


@town_page
@require_POST
def proposal_approve(request, town_year: TownYear):
    """The county's approval of the ticked ones, under one document."""
    if not request.user.can("decide"):
        raise PermissionDenied
    form = ApprovalForm(request.POST)
    if not form.is_valid():
        return show_list(request, town_year, form, 400)
    asked = {str(key) for key in map(_uuid, request.POST.getlist("chosen")[:500]) if key}
    rows = list(proposals_of(request.user, town_year).filter(pk__in=asked))
    try:
        for one in rows:
            if not request.user.can("decide", one.division, one.kind_id):
                raise Refused(f"您没有登记{one.division}批复的权限。")
        keys, values = [one.pk for one in rows], form.cleaned_data
        count, _ = approve(town_year, keys, values["number"], values["approved_on"], by=request.user)
    except Refused as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
        return show_list(request, town_year, form, 409 if refusal.code in ("conflict", "closed") else 400)
    messages.success(request, f"批复已登记，{count} 个自选图斑列入图斑。")
    return redirect("proposal_list", **where(town_year))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@town_page
@require_safe
def proposal_consent(request, town_year: TownYear, pk):
    """The holder's consent as it was uploaded."""
    one = proposal_in(request.user, town_year, pk)
    if one.consent is None:
        raise Http404
    return given_back(one.consent)


def _facts(one: Proposal, labels: Labels) -> list[tuple]:
    return [
        ("村", f"{one.division}{one.group}"),
        ("任务", str(one.kind)),
        ("面积", f"{one.area_mu.normalize():f} 亩"),
        ("地类", f"{one.land_class} {labels.of('land_class', one.land_class)}"),
        ("坡度", f"{one.slope.normalize():f} 度"),
        ("生态红线", "在" if one.in_redline else "不在"),
        ("实施次序", str(one.planned_order)),
        ("边界", "已附" if one.wkb else "没有附"),
        ("权利人同意", one.consented_on.isoformat()),
        ("提出", str(one.proposed_by)),
        ("镇审核", str(one.reviewed_by) if one.reviewed_by else None),
        ("批复", f"{one.approval_number}，{one.approved_on}" if one.approval_number else None),
        ("说明", one.note),
    ]


def _trail(one: Proposal) -> list[dict]:
    rows = Event.objects.filter(town=one.town_id, about=one.pk).select_related("user").order_by("-at")
    return [line(event.at, event.action, [str(event.user or "系统"), event.reason]) for event in rows]
