"""A plan file into the database: all of it or nothing, the same file again changes nothing."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction

from farmland.accounts.models import record
from farmland.lib.documents import DocumentError
from farmland.places.models import Division
from tasks.carried import settle_carried
from tasks.models import Plan, PlanRevision, TownYear
from tasks.plan import rows
from tasks.plan.changes import tell_changes
from tasks.plan.common import common_dictionary
from tasks.plan.dictionary_rows import require_own_codes, write_dictionary
from tasks.plan.document import PlanDoc
from tasks.plan.places import end_gone, write_offices, write_places
from tasks.plan.sync import Differences
from tasks.plan.validate import read_plan
from tasks.services import request_recompute

Section = Callable[[Plan, PlanDoc, Differences], None]
_sections: list[Section] = []


def register_section(section: Section) -> None:
    """Apps above this one (subsidies) add the reader of their part of a plan in ``AppConfig.ready``."""
    if section not in _sections:
        _sections.append(section)


@dataclass(frozen=True)
class Loaded:
    plan: Plan
    is_new: bool
    differences: list[str]


def load_plan(source: str, *, user=None) -> Loaded:
    """Load the YAML text of a plan. DocumentError lists every mistake with line and path; then nothing is changed."""
    doc = read_plan(source, common_dictionary())
    digest = hashlib.sha256(source.encode()).hexdigest()
    differences = Differences()
    with transaction.atomic():
        write_dictionary(common_dictionary(), differences=Differences())
        town = write_places(doc, differences)
        require_own_codes(doc, town)
        write_dictionary(doc, town=town, differences=differences)
        offices = write_offices(doc, town, differences)
        year, _ = TownYear.objects.get_or_create(town=town, year=doc.year)
        year = TownYear.objects.select_for_update(of=("self",)).get(pk=year.pk)
        before = Plan.objects.filter(town=town, year=doc.year).first()
        plan, is_new = _write_plan(doc, town, source, digest, differences)
        rows.write_rows(plan, doc, offices, differences)
        for section in _sections:
            section(plan, doc, differences)
        for line in settle_carried(plan, by=user):
            differences.add(line)
        if before and before.digest != digest:
            _tell(before, plan, doc, differences)
        if (is_new or differences) and year.closed_on:  # rolls everything back
            raise PlanClosed(f"{town} {doc.year} 年已于 {year.closed_on:%Y-%m-%d} 关账，方案不能再改。")
        if is_new or differences:
            _write_revision(plan, source, digest, user, differences)
            request_recompute(town, doc.year, user)
    return Loaded(plan, is_new, differences.lines)


class PlanClosed(Exception):
    """The year is closed: its plan is history."""


def _write_plan(doc: PlanDoc, town: Division, source: str, digest: str, differences: Differences):
    values = {
        "title": doc.title,
        "document_number": doc.document_number,
        "issued_on": doc.issued_on,
        "issuer": doc.issuer,
        "source": source,
        "digest": digest,
    }
    plan = Plan.objects.filter(town=town, year=doc.year).first()
    if plan is None:
        differences.add(f"新增方案：{doc.title}")
        return Plan.objects.create(town=town, year=doc.year, revision=0, **values), True
    if plan.digest != digest:
        for name in ("title", "document_number", "issued_on", "issuer"):
            if getattr(plan, name) != values[name]:
                label = Plan._meta.get_field(name).verbose_name
                differences.add(f"方案的{label}：{getattr(plan, name) or '空'} → {values[name] or '空'}")
        for name, value in values.items():
            setattr(plan, name, value)
        plan.save()
    return plan, False


def _tell(before: Plan, plan: Plan, doc: PlanDoc, differences: Differences) -> None:
    """What else changed since the file before: divisions that are gone, parts kept in no rows, mere wording."""
    try:
        old = before.document
    except DocumentError:  # written for a reader of another time
        old = None
    if old:
        others = [one.document for one in Plan.objects.filter(town=plan.town).exclude(pk=plan.pk)]
        year = TownYear.objects.get(town=plan.town, year=plan.year)
        end_gone(old, doc, plan.town, others, differences, year.today())
        tell_changes(old, doc, differences)
    if not differences:
        differences.add("文字有改动（指标、分解等没有变化）")


def _write_revision(plan: Plan, source: str, digest: str, user, differences: Differences) -> None:
    plan.revision += 1
    plan.save(update_fields=["revision", "updated_at"])
    PlanRevision.objects.create(
        plan=plan, town=plan.town, number=plan.revision, digest=digest, source=source, loaded_by=user,
        differences=differences.lines,
    )  # fmt: skip
    record(
        "载入方案", f"{plan.title} 第 {plan.revision} 版", user=user, town=plan.town,
        after={"digest": digest, "changes": differences.lines[:200]},
    )  # fmt: skip
