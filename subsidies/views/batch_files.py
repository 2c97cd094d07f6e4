"""The papers of a batch as files. Whole account numbers are given to a POST of one who pays, and each is an event."""

from django.http import FileResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from farmland.lib.paper import WRITERS
from farmland.lib.refused import Refused
from subsidies.files.rows import payee_of
from subsidies.files.sheets import NAMES, SHEETS, Figures, payment
from subsidies.models import Batch
from subsidies.paying import payees
from subsidies.views.batch_acts import STATUSES
from subsidies.views.batch_page import BatchPage, batch_of
from subsidies.views.batches import BATCHES
from subsidies.views.common import money_of_town
from tasks.models import TownYear
from tasks.views.common import Labels


@money_of_town
@require_safe
def batch_sheet(request, town_year: TownYear, pk, *, what: str, suffix: str):
    batch = batch_of(request, town_year, pk)
    return _file(batch, SHEETS[what](Figures(batch, Labels(town_year.town).of)), NAMES[what], suffix)


@money_of_town
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def batch_payment(request, town_year: TownYear, pk, *, suffix: str):
    """GET: four figures of each account. POST: the whole numbers."""
    batch = batch_of(request, town_year, pk)
    figures = Figures(batch, Labels(town_year.town).of)
    numbers = {}
    if request.method == "POST":
        paid = [payee for line in figures.lines if (payee := payee_of(line))]
        try:
            numbers = payees.reveal_for(batch, paid, by=request.user)
        except Refused as refusal:
            return BatchPage(request, town_year, batch).answer(STATUSES.get(refusal.code, 400), refusal.message)
    return _file(batch, payment(figures, numbers), NAMES["payment"], suffix)


def _file(batch: Batch, papers: list, name: str, suffix: str) -> FileResponse:
    write, content_type = WRITERS[suffix]
    name = f"{batch.town}{batch.year}年批次{batch.number}{name}.{suffix}"
    return FileResponse(write(papers), as_attachment=True, filename=name, content_type=content_type)


def _address(what: str, suffix: str):
    view, more = (batch_payment, {}) if what == "payment" else (batch_sheet, {"what": what})
    return path(f"{BATCHES}<uuid:pk>/{what}.{suffix}", view, more | {"suffix": suffix}, name=f"batch_{what}_{suffix}")


urls = [_address(what, suffix) for what in SHEETS for suffix in WRITERS]
