"""The page of one batch: rows as stored or as typed, what is refused, what others changed meanwhile."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import render

from farmland.accounts.models import Event
from farmland.jobs.models import Job
from farmland.places.models import Term
from parcels.models import Inspection, InspectionItem
from parcels.sampling import reasons_of
from tasks.inspections.guide import Guide
from tasks.inspections.results import fingerprint, in_order, sample_answer, split_reason
from tasks.inspections.sheet import Totals
from tasks.models import Progress, TownYear
from tasks.views.common import Labels
from tasks.views.inspection_forms import CancelForm, ConfirmForm, RedrawForm, SignedForm, Typed, VersionForm

ROWS = 50
ONLY = {"all": "全部", "open": "没有结论的", "drawn": "抽中的", "returned": "退回和部分通过的"}


class Page:
    """The page of a batch, with forms as they came back."""

    def __init__(self, request, town_year: TownYear, batch: Inspection, typed: dict | None = None, **forms):
        self.request, self.town_year, self.batch, self.forms = request, town_year, batch, forms
        self.labels = Labels(town_year.town)
        self.reasons = list(self.labels.all("reason").values())
        self.guide = Guide(batch, Term.objects.of("attribute", town_year.town))
        facts = ("pk", "verdict", "is_drawn", "declared_mu", "accepted_mu")
        self.every = list(in_order(batch).values_list(*facts))
        self.numbers = {str(one[0]): number for number, one in enumerate(self.every, 1)}
        only = request.GET.get("only")
        self.only = only if only in ONLY else self._usual()
        self.page = Paginator([one for one in self.every if self._is_shown(one)], ROWS).get_page(
            request.GET.get("page")
        )
        keys = [key for key in typed if key in self.numbers] if typed else [str(one[0]) for one in self.page]
        self.rows = self._rows(keys, typed or {})

    def _usual(self) -> str:
        """A drawn re-check that is still to be done is about the drawn rows."""
        batch = self.batch
        return "drawn" if batch.is_recheck and batch.sample_percent is not None and batch.state == "draft" else "all"

    def _is_shown(self, one) -> bool:
        _, verdict, drawn, *_ = one
        wanted = {"all": True, "open": not verdict, "drawn": drawn, "returned": verdict in ("returned", "partial")}
        return wanted[self.only]

    def _rows(self, keys: list[str], typed: dict) -> list[Typed]:
        items = self.batch.items.filter(pk__in=[UUID(key) for key in keys])
        items = items.select_related("work__parcel", "work__division", "inspection")
        found = [
            Typed(one, self.numbers[str(one.pk)], self.guide, typed.get(str(one.pk)) or self._stored(one))
            for one in items
        ]
        for one in found:
            one.risks = reasons_of(one.item.risk)
        return sorted(found, key=lambda row: row.number)

    def _stored(self, item: InspectionItem) -> dict[str, str]:
        reason, note = split_reason(item.reason, self.reasons)
        measured = {f"m-{code}": text for code, text in self.guide.typed(item.measured).items()}
        area = "" if item.accepted_mu is None or item.verdict == "returned" else f"{item.accepted_mu:f}"
        shown = {"verdict": item.verdict, "area": _short(area), "reason": reason, "note": note}
        return shown | {"seen": fingerprint(item)} | measured

    def blame(self, refused: list[tuple]) -> None:
        by_key = {row.item.pk: row for row in self.rows}
        for item, field, message in refused:
            by_key[item.pk].errors.setdefault(field, message)

    def set_against(self, stale: list[tuple]) -> None:
        """Hang what stands now on the rows others changed; sent again, the typed row is knowingly in its place."""
        by_key = {row.item.pk: row for row in self.rows}
        for item, _ in stale:
            row = by_key[item.pk]
            row.theirs, row.values["seen"] = item, fingerprint(item)

    def list_refusals(self, refused: list[tuple]) -> None:
        places = {}
        for item, _, message in refused:
            number = self.numbers.get(str(item.pk)) if item else None
            work = item.work if item else None
            places.setdefault((number or 0, str(work.parcel or work.division) if work else ""), []).append(message)
        self.refusals = [(number, place, texts) for (number, place), texts in sorted(places.items())]

    def answer(self, status: int = 200, message: str = ""):
        batch, may = self.batch, self.request.user.can("accept", self.batch.division, self.batch.kind_id)
        is_open = batch.state == "draft"
        if message:
            messages.error(self.request, message)
        page = {
            "town_year": self.town_year,
            "batch": batch,
            "level": self.labels.of("level", batch.level),
            "totals": Totals.of([one[1:] for one in self.every], is_recheck=batch.is_recheck),
            "rows": self.rows,
            "is_measured": any(row.measures or row.told or row.advice.sentences for row in self.rows),
            "page": self.page,
            "only": self.only,
            "onlys": ONLY,
            "reasons": self.reasons,
            "verdicts": InspectionItem.VERDICTS,
            "may_fill": may and is_open,
            "may": may,
            "draws": list(self._draws()),
            "speaks": self._speaks(),
            "refusals": getattr(self, "refusals", []),
            "confirm": self.forms.get("confirm") or ConfirmForm(initial=self._first()),
            "draw": self.forms.get("draw") or RedrawForm(initial={"version": batch.version, "percent": "10"}),
            "cancel": self.forms.get("cancel") or CancelForm(initial={"version": batch.version}),
            "signed": self.forms.get("signed") or SignedForm(),
            "version": VersionForm(initial={"version": batch.version}),
            **(followed(self.request, self.town_year, batch) if self.request.GET.get("job") else {}),
        }
        return render(self.request, "inspections/detail.html", page, status=status)

    def _first(self) -> dict:
        return {"version": self.batch.version, "on": self.batch.on or self.town_year.today()}

    def _draws(self):
        if self.batch.sample_percent is None or self.request.GET.get("job"):
            return []
        return Event.objects.filter(about=self.batch.pk, action="抽样").select_related("user").order_by("number")

    def _speaks(self) -> tuple[bool, str] | None:
        """Whether the rest may follow the sample, and why not."""
        rest = [one for one in self.every if not one[2] and not one[1]]
        if self.batch.sample_percent is None or self.batch.is_recheck or not rest:
            return None
        found = [InspectionItem(verdict=verdict, is_drawn=drawn) for _, verdict, drawn, *_ in self.every]
        return sample_answer(found)


def batch_of(request, town_year: TownYear, pk, *, to_accept: bool = False) -> Inspection:
    """The batch in scope, or 404; ``to_accept``: and in the user's right."""
    rows = Inspection.objects.visible_to(request.user).filter(town=town_year.town, year=town_year.year, pk=pk)
    batch = rows.select_related("town", "division", "kind", "created_by", "signed").first()
    if batch is None or (to_accept and not request.user.can("accept", batch.division, batch.kind_id)):
        raise Http404
    return batch


def _short(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def followed(request, town_year: TownYear, batch: Inspection) -> dict:
    try:
        job = Job.objects.visible_to(request.user).filter(pk=request.GET.get("job") or None).first()
    except ValidationError:
        job = None
    rows = Progress.objects.visible_to(request.user).filter(town=batch.town_id, year=batch.year, kind=batch.kind_id)
    rows = rows.filter(tranche="").select_related("target__kind", "division")
    figures = [one for one in rows if one.division_id in (None, batch.division_id)]
    return {"town_year": town_year, "batch": batch, "job": job, "figures": figures}
