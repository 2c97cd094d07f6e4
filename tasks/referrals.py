"""Problems of duty, conduct or corruption handed on to whoever may pursue them (问题移交): never a parcel."""

from dataclasses import dataclass
from datetime import date

from django.db import transaction

from farmland.accounts.models import User, record
from tasks.acceptance import Refused
from tasks.issues import Stale, check_day, locked_year
from tasks.models import Referral, TownYear


@dataclass(frozen=True)
class Case:
    """A problem as it is handed on."""

    subject: str
    found_on: date
    referred_to: str
    referred_on: date
    source: str = ""
    number: str = ""


@transaction.atomic
def refer(town_year: TownYear, case: Case, *, by: User) -> Referral:
    year = locked_year(town_year.town, town_year.year)
    check_day(year, case.referred_on, "referred_on")
    if case.found_on > case.referred_on:
        raise Refused(f"发现日期 {case.found_on} 晚于移交日期 {case.referred_on}，请核对。", field="found_on")
    kept = Referral.objects.create(town=year.town, year=year.year, by=by, is_demo=by.is_demo, **vars(case))
    after = {"问题": case.subject, "移交单位": case.referred_to, "移交日期": case.referred_on.isoformat()}
    record("问题移交", kept.subject, user=by, town=year.town, after=after, about=kept.pk)
    return kept


@transaction.atomic
def answer(referral: Referral, text: str, *, on: date, closed: bool, by: User, version: int | None = None) -> Referral:
    """What came back, and whether the case is over."""
    year = locked_year(referral.town, referral.year)
    row = Referral.objects.select_for_update(of=("self",)).select_related("town").get(pk=referral.pk)
    if version is not None and version != row.version:
        raise Stale("别人", [("反馈", row.answer or "没有", text)])
    if row.outcome == "closed":
        raise Refused("这件移交已办结，不能再改。", code="conflict")
    check_day(year, on, "answered_on")
    if on < row.referred_on:
        raise Refused(f"反馈日期 {on} 早于移交日期 {row.referred_on}，请核对。", field="answered_on")
    before = {"状态": row.get_outcome_display(), "反馈": row.answer}
    row.answer, row.answered_on, row.outcome = text, on, "closed" if closed else "answered"
    row.version += 1
    row.save()
    after = {"状态": row.get_outcome_display(), "反馈": text}
    record("移交反馈", row.subject, user=by, town=row.town, before=before, after=after, about=row.pk)
    return row
