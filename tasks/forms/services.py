"""Writes of the progress form: a submission applied as a whole, or refused and kept in the history."""

from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256

from django.db import transaction
from django.utils import timezone

from farmland.accounts.models import record
from farmland.jobs.models import Upload
from farmland.lib.excel import CellError
from farmland.lib.numbers import plain
from parcels.models import Parcel, Rung, Step, Work
from parcels.progress import Ladders
from tasks.forms.changes import MINE, THEIRS, Change, Conflict, Difference, Outcome, compare
from tasks.forms.doubts import Doubt, doubts
from tasks.forms.facts import division_facts, fallen, goals
from tasks.forms.incoming import Expected, Look, look, marked_copy
from tasks.forms.receipts import next_receipt
from tasks.forms.values import Facts, Item
from tasks.forms.workbook import PROGRESS
from tasks.models import Form, Submission, TownYear
from tasks.services import request_recompute

REDATED = "更正完成日期"
NOTHING_NEW = "表里没有变化，没有写入。"
CHOSEN = {MINE: "表里的数（mine）", THEIRS: "系统里的数（theirs）"}
EARLIER_CHOICE = "这份表先前已按{}写入，那次的选择仍然有效；这次要求的{}没有用上。要改，请下载新表填写。"
Choose = Callable[[str], str | None]


class KeyReused(Exception):
    """The idempotency key stands for another content (422)."""


@dataclass
class Result:
    """What became of an upload. ``state``: preview, applied, duplicate, refused, conflict, moved or doubtful.

    ``doubts``: what looks wrong and is not refused.
    """

    state: str
    look: Look
    outcome: Outcome = field(default_factory=Outcome)
    errors: list[CellError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    marked: Upload | None = None
    submission: Submission | None = None
    is_repeat: bool = False


def ask(cell: str) -> None:
    """Decide no conflict: the user will be asked."""


def preview(upload: Upload, user, expected: Expected, choose: Choose = ask, *, mark: bool = True) -> Result:
    """What the upload would do, with nothing written but (with ``mark``) a marked copy when cells are wrong."""
    found = look(upload, user, expected)
    if found.refusal:
        return refused(found, user, [], mark=mark)
    facts = division_facts(found.form.division, found.form.year)
    outcome = compare(found.reading.lines, found.facts, facts, choose)
    if errors := [*found.errors, *left_errors(outcome)]:
        return refused(found, user, errors, outcome, mark=mark)
    worst = compare(found.reading.lines, found.facts, facts, lambda cell: choose(cell) or MINE)
    return Result("preview", found, outcome, notes=found.notes, doubts=doubts_of(found, worst, facts))


def doubts_of(found: Look, outcome: Outcome, facts: Facts) -> list[Doubt]:
    return doubts(outcome, facts, goals(found.form.division, found.form.year), found.town_year.today())


def submit(
    upload: Upload,
    user,
    expected: Expected,
    *,
    key: str = "",
    choose: Choose = ask,
    seen: str | None = None,
    is_sure: bool = True,
) -> Result:
    """Apply the upload: all of it or nothing. Raises KeyReused; NotYours and NotAllowed as ``look`` does.

    ``seen``: digest of the outcome the user was shown; when it would now be another, the state is "moved".
    ``is_sure``: write also what looks wrong; otherwise such a form is "doubtful" and writes nothing.
    """
    bound = bound_to(user, key)
    if bound and bound.upload.sha256 == upload.sha256:
        return repeat_of(bound, Look(upload), choose)
    found = look(upload, user, expected)
    if bound and (found.refusal or bound.content != content_of(found)):
        raise KeyReused
    if found.refusal or found.errors:
        return keep_refused(refused(found, user, found.errors), user)
    result = apply(found, user, key, choose, seen, is_sure)
    return keep_refused(refused(found, user, result.errors), user) if result.errors else result


def bound_to(user, key: str) -> Submission | None:
    """The submission that this user's key already stands for."""
    return Submission.objects.filter(user=user, key=key).select_related("upload").first() if key else None


def content_of(found: Look) -> str:
    """Fingerprint of form and cells: the same form saved again by another program is the same content."""
    return sha256(f"{found.form.pk}:{found.reading.content}".encode()).hexdigest()


def gone_errors(outcome: Outcome) -> list[CellError]:
    text = "第 {} 行 [图斑编号] 这块图斑已退出本年度治理，不再填报，请把这一行改回下载时的样子。"
    return [CellError(PROGRESS, cell, text.format(number)) for number, cell in outcome.gone]


def left_errors(outcome: Outcome) -> list[CellError]:
    """What comparing found wrong: rows that are gone, and decreases without a reason."""
    text = "第 {} 行 [备注] “{}”现为 {} 亩，按本表减为 {} 亩，请在备注写明原因。"
    found = [
        CellError(PROGRESS, cell, text.format(number, stage, plain(before), plain(after)))
        for number, cell, stage, before, after in outcome.unexplained
    ]
    return [*gone_errors(outcome), *found]


def refused(
    found: Look, user, errors: list[CellError], outcome: Outcome | None = None, *, mark: bool = True
) -> Result:
    division = found.form.division if found.form else None
    wanted = mark and errors and division
    marked = marked_copy(found.upload, errors, division=division, user=user) if wanted else None
    return Result("refused", found, outcome or Outcome(), errors=errors, notes=found.notes, marked=marked)


def keep_refused(result: Result, user) -> Result:
    """Write the refusal into the division's history (the raw file is kept already)."""
    upload, form = result.look.upload, result.look.form
    division = form.division if form else upload.division
    refusal = result.look.refusal
    errors = [{"attr": one.address, "detail": one.message} for one in result.errors]
    if refusal:
        errors = [{"attr": "file", "detail": refusal.message}]
    year = form.year if form else latest_year(division)
    if division and year:
        result.submission = Submission.objects.create(
            town_id=division.town_id, division=division, year=year, form=form, upload=upload, marked=result.marked,
            user=user, content=upload.sha256, state="refused", errors=errors, is_demo=user.is_demo,
        )  # fmt: skip
    return result


def latest_year(division) -> int | None:
    years = TownYear.objects.filter(town=division.town_id) if division else TownYear.objects.none()
    return years.order_by("-year").values_list("year", flat=True).first()


def repeat_of(submission: Submission, found: Look, choose: Choose) -> Result:
    """The earlier answer again; where it was given on another choice between two figures, that is said."""
    chosen = next((one["choice"] for one in submission.errors if one.get("choice")), None)
    asked = choose("")
    notes = [EARLIER_CHOICE.format(CHOSEN[chosen], CHOSEN[asked])] if chosen and asked not in (None, chosen) else []
    return Result(submission.state, found, notes=notes, submission=submission, is_repeat=True)


def apply(found: Look, user, key: str, choose: Choose, seen: str | None, is_sure: bool) -> Result:
    """The one transaction: under the town-year's lock compare with what stands now, write the differences."""
    with exclusive(found.form):
        content = content_of(found)
        if repeat := already_applied(found.form, content):
            return repeat_of(repeat, found, choose)
        if (bound := bound_to(user, key)) is not None:
            if bound.content != content:
                raise KeyReused
            return repeat_of(bound, found, choose)
        facts = division_facts(found.form.division, found.form.year)
        if seen is not None and (now := compare(found.reading.lines, found.facts, facts)).digest != seen:
            return Result("moved", found, now, notes=found.notes)
        decided: dict[str, str] = {}
        outcome = compare(found.reading.lines, found.facts, facts, noting(choose, decided))
        found_doubts = doubts_of(found, outcome, facts)
        result = Result("applied", found, outcome, left_errors(outcome), found.notes, found_doubts)
        if found_doubts and not is_sure and not outcome.conflicts and not result.errors:
            result.state = "doubtful"
        elif not result.errors:
            write(result, user, key, content, decided)
        return result


def noting(choose: Choose, decided: dict[str, str]) -> Choose:
    """``choose``, with each decision kept in ``decided`` by cell."""

    def choice(cell: str) -> str | None:
        if chosen := choose(cell):
            decided[cell] = chosen
        return chosen

    return choice


@contextmanager
def exclusive(form: Form):
    """A transaction that holds the town-year (as acceptance and recompute do) and the division's works, in order."""
    with transaction.atomic():
        list(TownYear.objects.select_for_update(of=("self",)).filter(town=form.town_id, year=form.year))
        works = Work.objects.select_for_update(of=("self",)).filter(division=form.division_id, year=form.year)
        list(works.order_by("pk"))
        yield


def already_applied(form: Form, content: str) -> Submission | None:
    return Submission.objects.filter(form=form, content=content, state="applied").first()


def notes_json(result: Result, decided: dict[str, str]) -> list[dict]:
    """What a submission remembers beside its changes: remarks, doubts, and how conflicts were decided."""
    texts = [*result.notes, *(one.text for one in result.doubts)]
    kept = [{"attr": None, "detail": text} for text in texts]
    for choice in (MINE, THEIRS):
        if cells := [cell for cell, chosen in decided.items() if chosen == choice]:
            detail = (
                f"{'、'.join(f'{PROGRESS}!{cell}' for cell in cells)} 下载后系统里另有登记，已按{CHOSEN[choice]}。"
            )
            kept.append({"attr": None, "detail": detail, "choice": choice})
    return kept


def write(result: Result, user, key: str, content: str, decided: dict[str, str]) -> None:
    """Steps, submission, event and the request to recompute; or the record that nothing was to be written."""
    found, outcome = result.look, result.outcome
    form = found.form
    result.state = "conflict" if outcome.conflicts else "applied" if outcome.changes else "duplicate"
    if result.state == "duplicate":
        result.notes = [NOTHING_NEW, *result.notes]
    submission = Submission(
        town_id=form.town_id, division=form.division, year=form.year, form=form, upload=found.upload, user=user,
        key="" if result.state == "conflict" else key, content=content, state=result.state,
        errors=notes_json(result, decided),
        changes=[difference_json(one) for one in outcome.differences], is_demo=user.is_demo,
    )  # fmt: skip
    if result.state == "applied":
        write_steps(submission, outcome.changes, found, user)
        submission.receipt = next_receipt(form.division, form.year)
        submission.changed_rows = outcome.changed_rows
        submission.job = request_recompute(form.town, form.year, user).pk
        sums = outcome.sums(found.facts)
        areas = {f"{task} {stage}": plain(area) for task, stage, area in sums}
        after = {"rows": outcome.changed_rows, "areas_mu": areas, "version": form.number}
        record("填报写入", f"{submission.receipt} {form.division}", user=user, town=form.town, after=after)
    if result.state == "conflict":
        submission.errors = [conflict_json(one) for one in outcome.conflicts]
    submission.save(force_insert=True)
    result.submission = submission


def difference_json(one: Difference) -> dict:
    return {
        "row": one.number,
        "cell": f"{PROGRESS}!{one.cell}",
        "code": one.label,
        "group": one.group,
        "column": one.heading,
        "before": one.before or None,
        "after": one.after or None,
        "delta_mu": None if one.delta is None else plain(one.delta),
    }


def conflict_json(one: Conflict) -> dict:
    return {
        "cell": f"{PROGRESS}!{one.cell}",
        "row": one.number,
        "column": one.heading,
        "base": one.base or None,
        "mine": one.mine or None,
        "theirs": one.theirs or None,
        "by": one.by or None,
        "at": timezone.localtime(one.at).isoformat(timespec="seconds") if one.at else None,
    }


def write_steps(submission: Submission, changes: Iterable[Change], found: Look, user) -> None:
    """One signed step per change; a mere change of day reverses the last step and enters it again."""
    ladders = Ladders(found.form.town)
    changes = list(changes)
    works = begun_works(change.key for change in changes)
    steps = []
    for change in changes:
        item = found.facts.item(change.key)
        if change.key not in works:
            works[change.key] = work_of(item, found.form, user)
        work, rung = works[change.key], ladders.rung(item.kind, change.stage)
        common = {"town_id": found.form.town_id, "work": work, "rung": rung, "by": user, "upload": found.upload}
        common |= {"submission": submission.pk, "is_demo": user.is_demo}
        today = found.town_year.today()
        area = change.delta
        if change.redates and (last := last_standing(work, rung)) and last.area_mu > 0:
            steps.append(
                Step(**common, area_mu=-last.area_mu, verdict="revoked", on=last.on, reverses=last, reason=REDATED)
            )
            area = last.area_mu
        steps.append(
            Step(
                **common, area_mu=area, verdict="reached", on=change.now.on or today, crop=change.now.crop,
                note=change.now.note, reason=change.reason if change.delta < 0 else "",
            )
        )  # fmt: skip
    Step.objects.bulk_create(steps, batch_size=500)


def begun_works(keys: Iterable[str]) -> dict[str, Work]:
    """The works that rows name by their own id, by key."""
    ids = {key.removeprefix("work:") for key in keys if key.startswith("work:")}
    return {f"work:{work.pk}": work for work in Work.objects.filter(pk__in=ids)}


def work_of(item: Item, form: Form, user) -> Work:
    """The work behind a row of a task or of a parcel nobody had begun, made when there is none yet."""
    kind, _, rest = item.key.partition(":")
    place = {"town_id": form.town_id, "division_id": form.division_id, "year": form.year}
    place |= {"kind_id": item.kind, "tranche": item.tranche}
    if kind == "task":
        return Work.objects.get_or_create(**place, parcel=None, defaults={"is_demo": user.is_demo})[0]
    parcel = Parcel.objects.select_for_update(of=("self",)).get(pk=rest)
    planned = {"area_mu": parcel.gross_mu, "is_demo": parcel.is_demo or user.is_demo}
    open_works = Work.objects.filter(**place, parcel=parcel, exit="")
    return open_works.order_by("pk").first() or Work.objects.create(**place, parcel=parcel, **planned)


def last_standing(work: Work, rung: Rung) -> Step | None:
    """The last step on a rung that nothing has reversed."""
    steps = list(Step.objects.filter(work=work, rung=rung).order_by("recorded_at", "pk"))
    dead = fallen(steps)
    standing = [step for step in steps if step.reverses_id is None and step.pk not in dead]
    return standing[-1] if standing else None
