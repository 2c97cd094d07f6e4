"""Taking a submission back: reversing steps, as long as nobody has built on it."""

from collections import defaultdict

from django.db import transaction
from django.utils import timezone

from farmland.accounts.models import record
from parcels.models import Step, Work
from tasks.forms.facts import fallen
from tasks.models import Submission, TownYear
from tasks.services import request_recompute


class TakeBackRefused(Exception):
    """Why a submission cannot be taken back, in Chinese."""


@transaction.atomic
def take_back(submission: Submission, by) -> Submission:
    """Undo an applied submission by reversing steps. Raises TakeBackRefused with the reason."""
    list(TownYear.objects.select_for_update(of=("self",)).filter(town=submission.town_id, year=submission.year))
    submission = Submission.objects.select_for_update(of=("self",)).get(pk=submission.pk)
    steps = list(steps_of(submission))
    list(Work.objects.select_for_update(of=("self",)).filter(pk__in={s.work_id for s in steps}).order_by("pk"))
    if why := why_not_take_back(submission, by):
        raise TakeBackRefused(why)
    Step.objects.bulk_create([reversal(step, submission, by) for step in reversed(steps)], batch_size=500)
    submission.state, submission.taken_back_at = "taken_back", timezone.now()
    submission.save()
    town = submission.division.town
    record(
        "填报撤回",
        f"{submission.receipt} {submission.division}",
        user=by,
        town=town,
        before={"rows": submission.changed_rows},
    )
    request_recompute(town, submission.year, by)
    return submission


def steps_of(submission: Submission):
    steps = Step.objects.filter(submission=submission.pk).select_related("rung")
    return steps.order_by("recorded_at", "pk")


def reversal(step: Step, submission: Submission, by) -> Step:
    """The step that cancels ``step``; only a negative one may carry the verdict of a reversal."""
    return Step(
        town_id=step.town_id, work_id=step.work_id, rung_id=step.rung_id, area_mu=-step.area_mu, on=step.on, by=by,
        verdict="revoked" if step.area_mu >= 0 else "reached", reverses=step, reason=f"撤回回执 {submission.receipt}",
        is_demo=by.is_demo,
    )  # fmt: skip


def why_not_take_back(submission: Submission, by) -> str:
    """The reason, in Chinese, why ``by`` cannot take the submission back now; "" when it can be."""
    if submission.state != "applied":
        return f"这份填报{submission.get_state_display()}，没有可以撤回的内容。"
    steps = list(steps_of(submission))
    works = {step.work_id for step in steps}
    kinds = set(Work.objects.filter(pk__in=works).values_list("kind", flat=True)) or {None}
    actions = ["accept", "report"] if submission.user_id == by.pk else ["accept"]
    if not any(all(by.can(action, submission.division, kind) for kind in kinds) for action in actions):
        return "只有填报人本人或镇里经办人能撤回。"
    closed = TownYear.objects.filter(town=submission.town_id, year=submission.year, closed_on__isnull=False)
    if closed.exists():
        return f"{submission.year} 年度已关账，不能撤回。"
    later = Step.objects.filter(work__in=works, recorded_at__gt=submission.submitted_at).select_related("rung", "by")
    if accepted := later.exclude(rung__level="").order_by("recorded_at").first():
        day = timezone.localtime(accepted.recorded_at)
        return f"镇里已于 {day:%Y-%m-%d} 登记“{accepted.rung}”，不能撤回。面积有误请填新表并写明原因。"
    return later_report(steps, later, submission)


def later_report(steps: list[Step], later, submission: Submission) -> str:
    """Whether something reported afterwards stands on the same rows."""
    touched = defaultdict(set)
    for step in steps:
        touched[step.work_id].add(step.rung_id)
    others = list(later.filter(rung__level="").exclude(submission=submission.pk).order_by("recorded_at", "pk"))
    dead = fallen(others)
    for step in others:
        if step.rung_id in touched[step.work_id] and step.pk not in dead and step.reverses_id not in dead:
            receipt = Submission.objects.filter(pk=step.submission).values_list("receipt", flat=True).first()
            by = f"回执 {receipt}" if receipt else f"{step.by or '他人'}"
            return (
                f"同样的行后来又有登记（{by}，{timezone.localtime(step.recorded_at):%m-%d %H:%M}），请先撤回后面的。"
            )
    return ""
