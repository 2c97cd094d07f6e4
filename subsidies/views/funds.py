"""资金: what each source of each policy was given, paid and has left; entering money and moving it between sources."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST, require_safe

from farmland.lib.refused import Refused
from subsidies.models import Fund, Program, Round
from subsidies.paying import funds
from subsidies.views.batch_acts import STATUSES
from subsidies.views.batch_forms import FundForm, RebookForm
from subsidies.views.batches import BATCHES
from subsidies.views.common import money_of_town, tabs
from tasks.models import TownYear
from tasks.views.common import Labels, where

MOST = 200


class FundPage:
    """The programs of the year with their rows; ``bound``: a form that came back, of one program."""

    def __init__(self, request, town_year: TownYear, bound: dict | None = None):
        self.request, self.town_year, self.bound = request, town_year, bound or {}
        self.labels = Labels(town_year.town)
        self.sources = list(self.labels.all("fund_source").items())
        self.programs = list(Program.objects.filter(town=town_year.town, year=town_year.year).order_by("order"))
        self.rounds = list(Round.objects.filter(program__in=self.programs))

    def answer(self, status: int = 200, message: str = ""):
        if message:
            messages.error(self.request, message)
        context = {
            "town_year": self.town_year,
            "tabs": tabs(self.request, self.town_year),
            "programs": self.dressed(),
            "may": self.request.user.can("pay", self.town_year.town),
        }
        return render(self.request, "subsidies/batch_funds.html", context, status=status)

    def dressed(self) -> list[Program]:
        rows = Fund.objects.visible_to(self.request.user).filter(program__in=self.programs)
        rows = list(rows.select_related("round", "by", "batch").order_by("-on", "-at"))
        for program in self.programs:
            own = [one for one in rows if one.program_id == program.pk]
            program.booked = own[:MOST]
            for one in own:
                one.source_name = self.labels.of("fund_source", one.source)
            program.balances = [pair for is_demo in (False, True) for pair in self.balances(own, is_demo)]
            program.entry = self.bound.get(("enter", program.pk)) or self.fund_form(program)
            program.rebooking = self.bound.get(("rebook", program.pk)) or self.rebook_form(program)
        return self.programs

    def balances(self, rows: list[Fund], is_demo: bool) -> list[tuple]:
        """(source, balance), invented money apart from real money and marked beside it."""
        mine = [(one.source, one.amount, one.batch_id) for one in rows if one.is_demo == is_demo]
        mark = "（演示）" if is_demo and len(mine) < len(rows) else ""
        return [(self.labels.of("fund_source", one.source) + mark, one) for one in funds.balances_of(mine)]

    def fund_form(self, program: Program, data=None) -> FundForm:
        rounds = [(str(one.pk), one.label) for one in self.rounds if one.program_id == program.pk]
        first = {"on": self.town_year.today(), "role": "allotted"}
        return FundForm(data, initial=first, sources=self.sources, rounds=rounds, auto_id=f"f{program.pk}_%s")

    def rebook_form(self, program: Program, data=None) -> RebookForm:
        return RebookForm(data, sources=self.sources, auto_id=f"r{program.pk}_%s")


@money_of_town
@require_safe
def batch_funds(request, town_year: TownYear):
    return FundPage(request, town_year).answer()


@money_of_town
@require_POST
def batch_fund_add(request, town_year: TownYear):
    """``program`` names the policy."""
    page, program = _asked(request, town_year)
    form = page.fund_form(program, request.POST)

    def enter():
        values = dict(form.cleaned_data)
        round_ = next((one for one in page.rounds if str(one.pk) == values["round_"]), None)
        funds.enter(program, by=request.user, **values | {"round_": round_})

    return _carried_out(request, town_year, ("enter", program.pk), form, enter, "资金已登记。")


@money_of_town
@require_POST
def batch_rebook(request, town_year: TownYear):
    """From one source of a policy to another."""
    page, program = _asked(request, town_year)
    form = page.rebook_form(program, request.POST)
    return _carried_out(
        request, town_year, ("rebook", program.pk), form,
        lambda: funds.rebook(program, by=request.user, **form.cleaned_data), "调账已登记。",
    )  # fmt: skip


def _asked(request, town_year: TownYear) -> tuple[FundPage, Program]:
    if not request.user.can("pay", town_year.town):
        raise PermissionDenied
    page = FundPage(request, town_year)
    program = next((one for one in page.programs if str(one.pk) == request.POST.get("program")), None)
    if program is None:
        raise Http404
    return page, program


def _carried_out(request, town_year: TownYear, key, form, call, done: str):
    if form.is_valid():
        try:
            call()
        except Refused as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
            status = STATUSES.get(refusal.code, 400)
            return FundPage(request, town_year, {key: form}).answer(status, refusal.message)
        messages.success(request, done)
        return redirect("batch_funds", **where(town_year))
    return FundPage(request, town_year, {key: form}).answer(400, "有没填对的项，请看提示。")


urls = [
    path(f"{BATCHES}funds/", batch_funds, name="batch_funds"),
    path(f"{BATCHES}funds/new/", batch_fund_add, name="batch_fund_add"),
    path(f"{BATCHES}funds/rebook/", batch_rebook, name="batch_rebook"),
]
