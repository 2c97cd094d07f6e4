"""What is done to one parcel from its page: each act a form of its own, and back to the parcel."""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from farmland.lib import photos
from farmland.lib.refused import Refused, Stale
from parcels.evidence_store import EvidenceRefused, add_paper, add_photo
from parcels.models import Parcel, Work
from parcels.progress import Ladders
from parcels.works import reached
from tasks import land
from tasks.models import TownYear
from tasks.moves import move_one, relapse
from tasks.pages import town_page
from tasks.views.acceptance_form import new_key
from tasks.views.common import Labels, where
from tasks.views.parcel_forms import (
    ParcelEditForm,
    ReasonForm,
    RelapseForm,
    StageForm,
    SubstituteForm,
    VerifyForm,
    WorkExitForm,
    WorkForm,
    sent_with,
)

STATUSES = {"conflict": 409, "closed": 409}
page_or_post = require_http_methods(["GET", "HEAD", "POST"])


@dataclass(frozen=True)
class Act:
    """``title`` heads the page, ``button`` does it, ``said`` stands on the parcel's page afterwards."""

    title: str
    button: str
    said: str
    remark: str = ""


def parcel_in(user, town_year: TownYear, pk, right: str) -> Parcel:
    """The parcel in scope, else 404; 403 where it may be seen and ``right`` is missing."""
    rows = Parcel.objects.visible_to(user).of_year(town_year.town, town_year.year)
    one = rows.select_related("town", "division", "kind").filter(pk=pk).first()
    if one is None:
        raise Http404
    if not user.can(right, one.division, one.kind_id):
        raise PermissionDenied
    return one


def work_in(user, town_year: TownYear, pk, right: str) -> Work:
    rows = Work.objects.visible_to(user).filter(town=town_year.town, parcel__year=town_year.year)
    one = rows.select_related("parcel", "division", "kind").filter(pk=pk).first()
    if one is None:
        raise Http404
    if not user.can(right, one.division, one.kind_id):
        raise PermissionDenied
    return one


def act(
    request, town_year: TownYear, parcel: Parcel, form, one: Act, do: Callable[[], object], *, work=None,
    template: str = "parcels/act.html", more: dict | None = None,
):  # fmt: skip
    """Show the form, or do what it says; what is refused stands in it, and what was typed stays."""
    status, pairs = 200, []
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                do()
            except Refused as refusal:
                status = STATUSES.get(refusal.code, 400)
                form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
                if isinstance(refusal, Stale):
                    pairs = refusal.pairs
                    form.data = sent_with(form.data, "version", Parcel.objects.get(pk=parcel.pk).version)
            else:
                messages.success(request, one.said)
                return redirect("parcel_detail", **where(town_year), pk=parcel.pk)
    shown = {"town_year": town_year, "parcel": parcel, "form": form, "act": one, "pairs": pairs, "work": work}
    return render(request, template, shown | (more or {}), status=status)


def sent(request) -> dict:
    """The arguments of a form: what was sent, nothing for a page that is looked at."""
    return {"data": request.POST, "files": request.FILES} if request.method == "POST" else {}


@town_page
@page_or_post
def parcel_edit(request, town_year: TownYear, pk):
    parcel = parcel_in(request.user, town_year, pk, "decide")
    labels = Labels(town_year.town)
    form = ParcelEditForm(**sent(request), town_year=town_year, user=request.user, parcel=parcel, labels=labels)
    one = Act("修改图斑", "保存", "图斑已修改。", "下发的面积保留在清单里；改动面积或村须写原因")
    return act(request, town_year, parcel, form, one,
               lambda: land.edit(town_year, parcel, form.wish(), by=request.user))  # fmt: skip


@town_page
@page_or_post
def parcel_verify(request, town_year: TownYear, pk):
    """A finding with its proof, which is kept as evidence before the finding is tried."""
    parcel = parcel_in(request.user, town_year, pk, "report")
    first = {"on": town_year.today(), "version": parcel.version, "key": new_key(), "finding": parcel.finding or "real"}
    form = VerifyForm(**sent(request), labels=Labels(town_year.town), initial=first)
    decides = request.user.can("decide", parcel.division, parcel.kind_id)
    remark = "确认后随即生效" if decides else "由镇里确认后生效"
    one = Act("登记核查结论", "登记", "核查结论已登记。", remark)

    def do():
        if form.cleaned_data["proof"]:
            keep_proof(form.cleaned_data["proof"], parcel, request.user, form.cleaned_data["key"])
        land.verify(town_year, parcel, form.said(), by=request.user)

    return act(request, town_year, parcel, form, one, do)


def keep_proof(file, parcel: Parcel, user, key: str) -> None:
    """A picture as a photo, anything else as a paper; by its bytes, not its name."""
    head = file.read(64)
    file.seek(0)
    add = add_photo if photos.picture_format(head) else add_paper
    try:
        add(file, division=parcel.division, parcel=parcel, by=user, key=key, note="核查证明")
    except EvidenceRefused as refusal:
        raise Refused(refusal.message, field="proof") from refusal


@town_page
@require_POST
def parcel_settle(request, town_year: TownYear, pk):
    """The town confirms the village's finding."""
    parcel = parcel_in(request.user, town_year, pk, "decide")
    try:
        land.settle(town_year, parcel, by=request.user, version=_whole(request.POST.get("version")))
    except Refused as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "核查结论已确认。")
    return redirect("parcel_detail", **where(town_year), pk=parcel.pk)


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


@town_page
@page_or_post
def parcel_move(request, town_year: TownYear, pk):
    """One parcel to another stage, by the table of moves."""
    parcel = parcel_in(request.user, town_year, pk, "report")
    return _move(request, town_year, parcel)


@town_page
@page_or_post
def work_move(request, town_year: TownYear, pk):
    """The same for one of several works of a parcel."""
    work = work_in(request.user, town_year, pk, "report")
    return _move(request, town_year, work.parcel, work)


def _move(request, town_year: TownYear, parcel: Parcel, work: Work | None = None):
    labels, ladders = Labels(town_year.town), Ladders(town_year.town)
    kind, first = work.kind_id if work else parcel.kind_id, {"on": town_year.today(), "stage": parcel.stage}
    form = StageForm(**sent(request), labels=labels, ladders=ladders, kind=kind, initial=first)
    one = Act("改环节", "登记", "环节已登记。", "按计划面积登记；认定由验收登记，退回前面的环节须写原因")
    return act(request, town_year, parcel, form, one,
               lambda: move_one(town_year, parcel, form.move(), by=request.user, work=work), work=work)  # fmt: skip


@town_page
@page_or_post
def work_create(request, town_year: TownYear, pk):
    parcel = parcel_in(request.user, town_year, pk, "decide")
    first = {"kind": parcel.kind_id, "area_mu": parcel.net_mu or parcel.gross_mu, "key": new_key()}
    kinds = land.allowed_kinds(town_year)
    form = WorkForm(**sent(request), labels=Labels(town_year.town), kinds=kinds, initial=first)

    def do():
        values = form.cleaned_data
        land.add_work(town_year, parcel, values["kind"], form.plan(), by=request.user, key=values["key"])

    return act(request, town_year, parcel, form, Act("增加治理", "增加", "治理已增加。"), do)


@town_page
@page_or_post
def work_change(request, town_year: TownYear, pk):
    work = work_in(request.user, town_year, pk, "decide")
    first = {"area_mu": work.area_mu, "measure": work.measure, "treatment": work.treatment}
    form = WorkForm(**sent(request), labels=Labels(town_year.town), work=work, initial=first)
    one = Act("修改治理", "保存", "治理已修改。", "计划面积不能少于已报的面积")

    def do():
        reason = form.cleaned_data["reason"]
        land.change_work(town_year, work, form.plan(), by=request.user, reason=reason)

    return act(request, town_year, work.parcel, form, one, do, work=work)


@town_page
@page_or_post
def work_exit(request, town_year: TownYear, pk):
    work = work_in(request.user, town_year, pk, "decide")
    form = WorkExitForm(**sent(request))
    one = Act("退出治理", "退出", "治理已退出。", "退出后不再计入任务；已认定的须先冲销")

    def do():
        values = form.cleaned_data
        land.exit_work(town_year, work, values["exit"], values["reason"], by=request.user)

    return act(request, town_year, work.parcel, form, one, do, work=work)


@town_page
@page_or_post
def work_substitute(request, town_year: TownYear, pk):
    work = work_in(request.user, town_year, pk, "decide")
    first = {"area_mu": work.area_mu}
    form = SubstituteForm(**sent(request), town_year=town_year, user=request.user, initial=first)
    one = Act("调换图斑", "调换", "已调换，两个图斑互相注明。", "原图斑退出，另一个图斑替换它")

    def do():
        values = form.cleaned_data
        _may(request.user, values["other"], work.kind_id)
        land.substitute(town_year, work, values["other"], values["area_mu"], values["reason"], by=request.user)

    return act(request, town_year, work.parcel, form, one, do, work=work)


def _may(user, parcel: Parcel, kind: str) -> None:
    if not user.can("decide", parcel.division, kind):
        raise Refused(f"您没有修改{parcel.division}图斑的权限。", field="other")


@town_page
@page_or_post
def work_reopen(request, town_year: TownYear, pk):
    work = work_in(request.user, town_year, pk, "decide")
    form = ReasonForm(**sent(request))
    one = Act("重新纳入治理", "重新纳入", "治理已重新纳入。")

    def do():
        land.reopen_work(town_year, work, form.cleaned_data["reason"], by=request.user)

    return act(request, town_year, work.parcel, form, one, do, work=work)


@town_page
@page_or_post
def work_relapse(request, town_year: TownYear, pk):
    """Land lies idle again; accepted area falls only where an acceptor takes the acceptance back with it."""
    work = work_in(request.user, town_year, pk, "report")
    form = RelapseForm(**sent(request), initial={"on": town_year.today()})
    has_accepted = reached(work).accepted > 0
    if not has_accepted or not request.user.can("accept", work.division, work.kind_id):
        del form.fields["reverse"]
    remark = "进展退回到已下达" + ("；已验收的面积要由验收人冲销才会减少" if has_accepted else "")
    one = Act("登记复荒", "登记", "复荒已登记，治理重新开始。", remark)

    def do():
        values = form.cleaned_data
        relapse(town_year, work, values["on"], values["note"], by=request.user, reverse=values.get("reverse", False))

    return act(request, town_year, work.parcel, form, one, do, work=work)
