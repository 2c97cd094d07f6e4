"""A file that comes in: kept whatever it is, read in the child process, recognised as one of our forms."""

import tempfile
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from farmland.jobs.models import Upload
from farmland.lib.excel import CellError, FileRefused, SheetSpec, identity, mark_errors, read_workbook
from farmland.lib.excel.owner import IDENTITY_SHEET
from farmland.places.models import Division, Term
from tasks.forms.reading import Given, Reading, read_sheet
from tasks.forms.values import Facts
from tasks.forms.workbook import PROGRESS
from tasks.models import Form, TownYear

PURPOSE, MARKED = "form", "form-marked"
MAX_ROWS = 5000
AGAIN = "请重新下载本村的表格，把填好的内容抄过去再上传。"


class NotYours(Exception):
    """The form belongs to a division outside the user's scope, or to nobody: the same 404."""


class NotAllowed(Exception):
    """The user may see the division and not report for it."""


@dataclass
class Expected:
    """Where the file was handed in: on a page the division and year are known, in a script perhaps the year."""

    division: Division | None = None
    year: int | None = None


@dataclass
class Look:
    """An uploaded file as understood: ``refusal`` for the file as a whole, else form, facts and reading."""

    upload: Upload
    refusal: FileRefused | None = None
    form: Form | None = None
    town_year: TownYear | None = None
    facts: Facts | None = None
    reading: Reading | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def errors(self) -> list[CellError]:
        return self.reading.errors if self.reading else []


def receive(file, *, user, division: Division, name: str = "") -> Upload:
    """Keep the raw bytes (also of what will be refused). Raises storage.TooLarge beyond FORM_MAX_BYTES."""
    place = {"town": division.town, "division": division, "user": user}
    return Upload.objects.store(file, **place, purpose=PURPOSE, limit=settings.FORM_MAX_BYTES, name=name)


def default_division(user) -> Division | None:
    """Where a file is kept before anybody knows whose it is: the user's own village or town."""
    own = Division.objects.visible_to(user).filter(town__isnull=False).select_related("town")
    return own.order_by("path").first()


def look(upload: Upload, user, expected: Expected) -> Look:
    """Read the upload. Raises NotYours and NotAllowed; everything else that is wrong is in the answer."""
    found = Look(upload)
    try:
        book = read_workbook(
            upload.full_path,
            sheets={PROGRESS: SheetSpec(max_rows=MAX_ROWS), IDENTITY_SHEET: SheetSpec(required=False)},
            max_bytes=settings.FORM_MAX_BYTES,
            max_inflated=settings.FORM_MAX_INFLATED,
        )
        form = find_form(identity(book), user)
        if not user.can("report", form.division):
            raise NotAllowed
        check_division(form, expected)
        found.form = form
        file_under(upload, form)
        found.town_year = check_year(form, identity(book), expected)
        found.facts = Facts.from_json(form.facts)
        found.reading = read_sheet(book[PROGRESS], given_for(found, user))
        found.notes = [*book.notes, *found.reading.notes]
    except FileRefused as refusal:
        found.refusal = refusal
    return found


def find_form(who: dict | None, user) -> Form:
    """The form that ``_form`` names, inside the user's scope."""
    if not who or "form" not in who:
        text = f"缺少隐藏工作表“{IDENTITY_SHEET}”，认不出是哪个村的哪一版。不要新建表格，{AGAIN}"
        raise FileRefused("no-identity", text)
    try:
        number = uuid.UUID(who["form"])
    except ValueError as error:
        raise FileRefused("identity-changed", f"表格标识被改动过（{who['form'][:40]}），{AGAIN}") from error
    visible = Form.objects.visible_to(user).select_related("division__town", "town")
    form = visible.filter(pk=number).first()
    code = who.get("division", "")
    if form is None:
        raise NotYours
    if code != form.division.code and not Division.objects.visible_to(user).filter(code=code).exists():
        raise NotYours
    return form


def check_division(form: Form, expected: Expected) -> None:
    """A form handed in on another village's page is not taken there."""
    if expected.division is not None and form.division_id != expected.division.pk:
        theirs, ours = form.division.name, expected.division.name
        text = f"这是{theirs}的表，这里填报的是{ours}。请到{theirs}的页面上传。"
        raise FileRefused("other-division", text)


def check_year(form: Form, who: dict, expected: Expected) -> TownYear:
    """The open town-year of the form; refuses another year and an altered identity."""
    years = {one.year: one for one in TownYear.objects.filter(town=form.town_id).select_related("town")}
    wanted = expected.year or current_year(list(years.values()))
    for year in (who.get("year", ""), str(form.year)):
        if year != str(wanted):
            text = f"这是 {year[:8]} 年的表，现在填报的是 {wanted} 年。请下载 {wanted} 年的表格。"
            raise FileRefused("other-year", text)
    same = (who.get("town"), who.get("division"), who.get("version"))
    if same != (form.town.slug, form.division.code, str(form.number)):
        raise FileRefused("identity-changed", f"表格标识与下发的不符（村、版本被改动过），{AGAIN}")
    town_year = years[form.year]
    if town_year.closed_on:
        raise FileRefused("closed", f"{form.year} 年度已于 {town_year.closed_on:%Y-%m-%d} 关账，不再填报。")
    return town_year


def current_year(years: list[TownYear]) -> int:
    """The newest year that has begun by its own working date."""
    begun = [one.year for one in years if one.year <= one.today().year]
    return max(begun or [one.year for one in years])


def file_under(upload: Upload, form: Form) -> None:
    """Once known, the raw file is filed under the form's division, so that its people can find it."""
    if upload.division_id != form.division_id:
        place = {"town_id": form.town_id, "division_id": form.division_id}
        Upload.objects.filter(pk=upload.pk).update(**place, updated_at=timezone.now())


def given_for(found: Look, user) -> Given:
    crops = {}
    for term in Term.objects.of("crop", found.form.town):
        crops |= dict.fromkeys([term.label, term.code, *term.synonyms], term.label)
    kinds = {item.kind for item in found.facts.items}
    allowed = frozenset(kind for kind in kinds if user.can("report", found.form.division, kind))
    return Given(found.facts, found.form.year, found.town_year.today(), crops, allowed)


def marked_copy(upload: Upload, errors: list[CellError], *, division: Division, user) -> Upload | None:
    """The same workbook with its wrong cells marked; None when it cannot be written again."""
    stem = upload.name.rpartition(".")[0] or upload.name
    with tempfile.TemporaryDirectory(prefix="marked-") as folder:
        path = Path(folder, "marked.xlsx")
        try:
            mark_errors(upload.full_path, errors, path, max_bytes=settings.FORM_MAX_BYTES)
        except FileRefused:
            return None
        with path.open("rb") as file:
            return Upload.objects.store(
                file, town=division.town, division=division, user=user, purpose=MARKED,
                limit=4 * settings.FORM_MAX_BYTES, name=f"{stem}_标错.xlsx",
            )  # fmt: skip
