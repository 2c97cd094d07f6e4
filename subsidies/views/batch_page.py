"""The page of one batch: where it stands, whose hands are on it, its rows, notice and payments, what comes next."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse

from farmland.lib.amount_in_words import amount_in_words
from subsidies.files.rows import PAID, lines_of
from subsidies.files.sheets import NAMES
from subsidies.models import Batch
from subsidies.paying import checks, hands, publicity
from subsidies.paying.batches import MOVES
from subsidies.views import batch_forms as forms
from subsidies.views.common import tabs
from tasks.models import TownYear
from tasks.views.common import Labels, where

ROWS = 50
LOOKS = {
    "draft": "", "reviewed": "running", "published": "running", "approved": "running", "paid": "running",
    "reconciled": "met", "voided": "revoked",
}  # fmt: skip
HANDS = {"review": "reviewed_by", "approve": "approved_by", "pay": "paid_by"}
ORDER = ("draft", "reviewed", "published", "approved", "paid", "reconciled")


def batch_of(request, town_year: TownYear, pk) -> Batch:
    rows = Batch.objects.visible_to(request.user).filter(town=town_year.town, year=town_year.year, pk=pk)
    people = ("prepared_by", "reviewed_by", "approved_by", "paid_by", "reconciled_by", "voided_by")
    found = rows.select_related("town", "program", "round__program", *people).first()
    if found is None:
        raise Http404
    return found


def dressed(batch: Batch) -> Batch:
    batch.look = LOOKS[batch.state] or "no_data"
    return batch


class BatchPage:
    """``bound``: a form that came back, by name."""

    def __init__(self, request, town_year: TownYear, batch: Batch, bound: dict | None = None):
        self.request, self.town_year, self.batch = request, town_year, dressed(batch)
        self.bound = bound or {}
        self.labels = Labels(town_year.town)
        self.today = town_year.today()
        self.papers = list(batch.papers.select_related("upload", "by"))
        self.required = {} if batch.state in PAID else checks.required_papers(batch)  # all there since the review
        notices = batch.publicities.select_related("posted", "taken_down", "by")
        self.notices = list(notices.prefetch_related("objections__answered_by").order_by("-number"))
        self.standing = next((one for one in self.notices if one.state != "void"), None)
        self.counts = batch.lines.aggregate(
            rows=Count("pk", distinct=True),
            places=Count("division", distinct=True),
            open=Count("pk", filter=Q(payee=None), distinct=True),
            arrived=Count("payments", filter=Q(payments__result="paid"), distinct=True),
        )

    def may(self, name: str) -> bool:
        """Not shown to one whose hand is on another step; who reported or accepted is refused when they try."""
        mine = {step for step in hands.STEPS if getattr(self.batch, f"{step}_id") == self.request.user.pk}
        if name in HANDS and mine - {HANDS[name]}:
            return False
        return self.batch.state in MOVES[name].before and self.can(self.right(name))

    def right(self, name: str) -> str:
        """Who may void depends on how far the batch is."""
        return "approve_payment" if name == "void" and self.batch.state == "approved" else MOVES[name].right

    def can(self, right: str) -> bool:
        return self.request.user.can(right, self.town_year.town)

    def answer(self, status: int = 200, message: str = ""):
        if message:
            messages.error(self.request, message)
        return render(self.request, "subsidies/batch_detail.html", self.context(), status=status)

    def context(self) -> dict:
        batch = self.batch
        return {
            "town_year": self.town_year,
            "tabs": tabs(self.request, self.town_year),
            "batch": batch,
            "words": amount_in_words(batch.total),
            "counts": self.counts,
            "steps": self.steps(),
            "current": self.current(),
            "waits": self.waits(),
            "rows": self.rows(),
            "may_edit": batch.state == "draft" and self.can("prepare_payment"),
            "may_paper": batch.state in ("draft", "reviewed", "published") and self.can("prepare_payment"),
            "may_settle": batch.state == "paid" and self.can("pay"),
            "may_adjust": batch.state in ("paid", "reconciled") and self.can("prepare_payment"),
            "papers": self.checklist(),
            "sheets": self.sheets(),
            "may_number": self.can("pay"),
            "notices": self.notices,
            "standing": self.standing,
            "terms": publicity.terms_of(batch.program),
            "left_days": self.left_days(),
            "objections": self.objections(),
            "acts": self.acts(),
            "next": NEXT.get(batch.state, ""),
            "photo_forms": self.photo_forms(),
            "objection_form": self.form("object", forms.ObjectionForm, on=self.today) if self.runs() else None,
            "usual_papers": list(dict.fromkeys([*self.missing(), *self.labels.all("batch_paper").values()])),
            "paper_form": self.form("paper", forms.PaperForm, name=next(iter(self.missing()), "")),
        }

    def sheets(self) -> list[tuple[str, str, str]]:
        at = where(self.town_year) | {"pk": self.batch.pk}
        return [
            (name, *(reverse(f"batch_{what}_{suffix}", kwargs=at) for suffix in ("xlsx", "docx")))
            for what, name in NAMES.items()
        ]

    def runs(self) -> bool:
        handles = self.can("prepare_payment") or self.can("review_payment")
        return self.batch.state == "published" and self.standing is not None and handles

    def steps(self) -> list[tuple]:
        batch = self.batch
        hands = [
            ("编制", batch.prepared_by, batch.prepared_at), ("审核", batch.reviewed_by, batch.reviewed_at),
            ("公示", self.standing and self.standing.by, None), ("批准", batch.approved_by, batch.approved_at),
            ("支付", batch.paid_by, batch.paid_at), ("对账", batch.reconciled_by, batch.reconciled_at),
        ]  # fmt: skip
        return [(word, *([str(who)] if who else [])) for word, who, _ in hands]

    def current(self) -> int:
        """From 1, the step that is to be done; one beyond the last when all are."""
        return ORDER.index(self.batch.state) + 2 if self.batch.state in ORDER else 1

    def waits(self) -> list[str]:
        """What the next step still waits for, as far as the page can tell."""
        batch, found = self.batch, []
        if batch.state == "draft":
            if self.counts["open"]:
                found.append(f"{self.counts['open']} 行没有收款账户")
            found += [f"缺材料：{name}" for name in self.missing()]
        if batch.state == "published" and self.standing:
            found += publicity.waits_of(self.standing, self.today)
        if batch.state == "paid" and self.counts["arrived"] < self.counts["rows"]:
            found.append(f"{self.counts['rows'] - self.counts['arrived']} 笔没有到账凭证")
        return found

    def left_days(self) -> int | None:
        if self.batch.state != "published" or self.standing is None:
            return None
        return max((self.standing.ends_on - self.today).days + 1, 0)

    def rows(self):
        paginator = Paginator(lines_of(self.batch), ROWS)
        paginator.count = self.counts["rows"]
        page = paginator.get_page(self.request.GET.get("page"))
        open_ones = [one for one in page.object_list if one.payee is None] if self.batch.state == "draft" else []
        places = {one.division_id for one in open_ones}
        accounts = checks.Accounts(self.batch.town_id, places, self.batch.is_demo) if open_ones else None
        for one in page.object_list:
            one.choices = accounts.choices(one.division_id, one.payee_kind) if one in open_ones else []
            one.kind_name = self.labels.of("payee_kind", one.payee_kind)
            one.last = one.attempts[-1] if one.attempts else None
        page.has_choices = any(one.choices for one in page.object_list)
        return page

    def checklist(self) -> list[dict]:
        """The plan's papers first, with their clauses, then whatever else was brought."""
        names = list(dict.fromkeys([*self.required, *(one.name for one in self.papers)]))
        return [
            {
                "name": name, "required": name in self.required, "clause": self.required.get(name, ""),
                "files": [one for one in self.papers if one.name == name],
            }
            for name in names
        ]  # fmt: skip

    def missing(self) -> list[str]:
        there = {one.name for one in self.papers}
        return [name for name in self.required if name not in there]

    def objections(self) -> list:
        found = [(notice, one) for notice in self.notices for one in notice.objections.all()]
        for notice, one in found:
            one.notice = notice
            one.form = None
            if one.state == "open" and notice.state != "void" and self.can("review_payment"):
                first = forms.AnswerForm(initial={"objection": one.pk}, auto_id=f"a{one.pk.hex[-8:]}_%s")
                one.form = self.bound.get("answer") or first
        return [one for _, one in found]

    def photo_forms(self) -> list:
        if self.batch.state != "published" or self.standing is None or not self.can("prepare_payment"):
            return []
        wanted = [("posted", "张贴照片"), ("taken_down", "期满照片")]
        return [
            (label, forms.PhotoForm(initial={"moment": name}, auto_id=f"{name}_%s"))
            for name, label in wanted
            if getattr(self.standing, name) is None
        ]

    def form(self, name: str, kind, /, **first):
        more = {}
        if kind is forms.PayForm:
            more["sources"] = list(self.labels.all("fund_source").items())
        if name in self.bound:
            return self.bound[name]
        return kind(initial={"version": self.batch.version} | first, auto_id=f"{name}_%s", **more)

    def acts(self) -> list[dict]:
        """The moves this person may make now, each with its form, the one that goes on first."""
        kinds = {
            "review": forms.VersionForm, "send_back": forms.ReasonForm, "publish": forms.PublishForm,
            "approve": forms.VersionForm, "pay": forms.PayForm, "reconcile": forms.ReconcileForm,
            "void": forms.ReasonForm,
        }  # fmt: skip
        found = [
            {
                "name": name, "url": f"batch_{name}", "label": MOVES[name].label, "note": self.note(name),
                "form": self.form(name, kind, **({"starts_on": self.today} if name == "publish" else {})),
                "primary": self.goes_on(name), "ask": ASK.get(name, ""),
            }
            for name, kind in kinds.items()
            if self.may(name)
        ]  # fmt: skip
        return sorted(found, key=lambda one: not one["primary"])

    def note(self, name: str) -> str:
        more = publicity.outlook(self.batch.program, self.today) if name == "publish" else ""
        return f"{more}{NOTES[name]}"

    def goes_on(self, name: str) -> bool:
        """Whether a move is the next thing to do: not while anything is still waited for."""
        return name not in ("send_back", "void") and not self.waits()


NEXT = {  # for whoever has no hand in it
    "draft": "等审核：由编制人以外有审核权限的人办理。",
    "reviewed": "等公示：由编制批次的单位张贴并登记。",
    "published": "等批准：公示期满次日起，由有批准权限的人办理。",
    "approved": "等支付：由财政办理。",
    "paid": "等对账：财政登记每一笔的到账凭证以后对账。",
}
NOTES = {
    "review": "明细、账户和材料齐全后审核；审核人不能是编制人。",
    "send_back": "退回后可改明细；正在张贴的公示作废，改后重新公示。",
    "publish": "首尾两天都算；任何改动都要重新公示。",
    "approve": "公示期满次日起；填报、申报、验收、编制、审核过的人不能批准。批准后明细不能再改。",
    "pay": "按批准的明细各发一笔；支付人不能办过前面任何一步。",
    "reconcile": "每一笔都有到账凭证，银行合计与批次合计一致。",
    "void": "作废后明细退回应补，可重新编制。",
}
ASK = {
    "approve": "批准这一批？批准后明细、金额和账户不能再改，更正只能登记调整。",
    "pay": "支付这一批？每一行发出一笔支付，并从资金来源扣减。",
    "void": "作废这一批？作废不能撤销。",
}
