"""Load the demo data, and take them away without a trace."""

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q

from farmland.accounts.models import ApiToken, Event, Grant, User
from farmland.demo.batches import make_batches
from farmland.demo.forms import hand_in
from farmland.demo.ground import survey
from farmland.demo.issues import undo_demo_moves, write_clues, write_issues
from farmland.demo.land import Land
from farmland.demo.money import demo_money, reopen_versions
from farmland.demo.photos import write_evidence
from farmland.demo.proposals import write_proposals
from farmland.demo.stories import Story, stories
from farmland.demo.subsidies import write_money
from farmland.demo.users import make_users
from farmland.jobs.models import Job, Upload
from farmland.places.models import Division
from parcels.models import (
    Evidence,
    EvidenceOutcome,
    ImportTemplate,
    Inspection,
    InspectionItem,
    Listing,
    Overlap,
    Parcel,
    ParcelList,
    Proposal,
    Shape,
    Step,
    Work,
)
from subsidies.invented import INVENTED
from tasks.models import (
    Clue,
    Deliberation,
    Form,
    Issue,
    IssueEvent,
    PermitCase,
    Plan,
    Referral,
    Snapshot,
    Submission,
    TownYear,
)
from tasks.services import recompute


@transaction.atomic
def load_demo() -> list[str]:
    """Users, working dates, villages and land for every story whose town has a plan; what was made, in Chinese.

    A town-year that has its demo land keeps it: loading again changes nothing.
    """
    made = []
    plans = {(plan.town.slug, plan.year): plan for plan in Plan.objects.select_related("town")}
    told = [(story, plans[story.town, story.year]) for story in stories() if (story.town, story.year) in plans]
    for story, plan in told:
        _villages(story, plan.town)
    users = make_users()
    for story, plan in told:
        if _is_told(plan):
            continue
        TownYear.objects.filter(town=plan.town, year=plan.year).update(working_date=story.working_date)
        Land(story, plan.town, users.get(story.town)).write()
        survey(story, plan.town)
        write_proposals(story, plan.town, users)
        write_issues(story, plan, users)
        write_clues(story, plan, users)
        recompute(plan.town, plan.year)
        _forms(plan)
        _batches(story, plan, users)
        write_evidence(plan.town, story.working_date, users.get(story.town))
        write_money(story, plan, users)
        made.append(f"{plan.town} {plan.year} 年")
    return made


def _is_told(plan: Plan) -> bool:
    return TownYear.objects.filter(town=plan.town, year=plan.year, working_date__isnull=False).exists()


def _villages(story: Story, town: Division) -> None:
    for order, name in enumerate(story.villages, start=1):
        if not Division.objects.filter(parent=town, name=name).exists():
            code = f"{town.code}-D{order:02d}"
            place = {"kind": "village", "code": code, "order": order, "is_provisional": True, "is_demo": True}
            Division(parent=town, name=name, **place).save()


def _forms(plan: Plan) -> None:
    """The villages with a demo login have handed in a form or two."""
    town_year = TownYear.objects.select_related("town").get(town=plan.town, year=plan.year)
    heads = Grant.objects.filter(user__is_demo=True, role="village_head", division__town=plan.town)
    for grant in heads.select_related("user", "division__town").order_by("pk"):
        hand_in(grant.user, grant.division, town_year)
    recompute(plan.town, plan.year)


def _batches(story: Story, plan: Plan, users: dict[str, User]) -> None:
    """Acceptance batches in every state, for a story that asks for them."""
    if story.batches and (official := users.get(story.town)):
        town_year = TownYear.objects.select_related("town").get(town=plan.town, year=plan.year)
        make_batches(town_year, story.batches, official)


@transaction.atomic
def remove_demo() -> dict[str, int]:
    """Take away all demo rows, everything demo users did, and the demo users; how many rows of each kind went.

    Facts and plans of real users stay. A fact a demo user wrote, or about invented land, is a demo fact.
    """
    removed: dict[str, int] = {}
    demo_users = User.objects.filter(is_demo=True)
    by_demo = demo_users.values("pk")
    demo_years = list(TownYear.objects.exclude(working_date=None).select_related("town"))
    invented = Work.objects.filter(INVENTED)
    issues = Issue.objects.filter(Q(is_demo=True) | Q(division__is_demo=True))
    clues = Clue.objects.filter(Q(is_demo=True) | Q(division__is_demo=True) | Q(issue__in=issues))
    undo_demo_moves()
    reopen_versions()
    gone = [
        *demo_money(invented),
        *(Snapshot.objects.filter(town=one.town_id, year=one.year) for one in demo_years),
        Submission.objects.filter(Q(is_demo=True) | Q(division__is_demo=True)),
        Form.objects.filter(Q(is_demo=True) | Q(division__is_demo=True), submissions=None),
        # rows of a real batch about invented land go, the batch and what it says of real land stay
        InspectionItem.objects.filter(Q(work__in=invented) | Q(step__in=Step.objects.of_demo())),
        Inspection.objects.filter(Q(is_demo=True) | Q(division__is_demo=True)),
        *(model.objects.filter(INVENTED) for model in (Evidence, EvidenceOutcome)),
        Evidence.objects.filter(issues__in=issues),
        Step.objects.of_demo().filter(reverses__isnull=False),
        Step.objects.of_demo(),
        invented.filter(steps=None, replaces__isnull=False),
        invented.filter(steps=None),
        clues.filter(duplicate_of__isnull=False),
        clues,
        Referral.objects.filter(is_demo=True),
        *(
            model.objects.filter(Q(is_demo=True) | Q(issue__in=issues))
            for model in (IssueEvent, Deliberation, PermitCase)
        ),
        issues,
        Overlap.objects.filter(
            Q(is_demo=True) | Q(parcel__is_demo=True) | Q(other__is_demo=True) | Q(layer__is_demo=True)
        ),
        Shape.objects.filter(Q(is_demo=True) | Q(parcel__is_demo=True) | Q(layer__is_demo=True)),
        Proposal.objects.filter(
            Q(is_demo=True) | Q(proposed_by__in=by_demo) | Q(division__is_demo=True) | Q(parcel__is_demo=True)
        ),
        ImportTemplate.objects.filter(is_demo=True),
        Listing.objects.filter(list__is_demo=True),
        Parcel.objects.filter(is_demo=True),
        ParcelList.objects.filter(is_demo=True),
        Event.objects.filter(is_demo=True),
        Job.objects.filter(created_by__in=by_demo),
        ApiToken.objects.filter(user__in=by_demo),
    ]
    Work.objects.filter(replaces__in=invented).update(replaces=None)  # the rest that went on into a new year
    Proposal.objects.filter(reviewed_by__in=demo_users).update(reviewed_by=None)
    Inspection.objects.filter(signed__user__in=demo_users).update(signed=None)
    for rows in gone:
        _count(removed, rows)
    Work.objects.filter(is_demo=True).update(is_demo=False, area_mu=None)  # real users have entered something on these
    Form.objects.filter(is_demo=True).update(is_demo=False, issued_to=None)
    _remove_uploads(removed)
    _end_sessions(set(demo_users.values_list("pk", flat=True)))
    _count(removed, Grant.objects.filter(user__in=by_demo))
    _count(removed, demo_users)
    for one in demo_years:
        TownYear.objects.filter(pk=one.pk).update(working_date=None)
        recompute(one.town, one.year, even_closed=True)  # what was invented leaves closed figures too
    _count(removed, Division.objects.filter(is_demo=True))
    (settings.VAR / "demo_password").unlink(missing_ok=True)
    return removed


def _count(removed: dict[str, int], rows) -> None:
    count, _ = rows.delete()
    if count:
        name = rows.model._meta.verbose_name
        removed[name] = removed.get(name, 0) + count


def _remove_uploads(removed: dict[str, int]) -> None:
    """Raw files only demo users brought; a file that a real upload shares stays."""
    uploads = Upload.objects.filter(user__is_demo=True)
    paths = set(uploads.values_list("path", flat=True))
    _count(removed, uploads)
    kept = set(Upload.objects.filter(path__in=paths).values_list("path", flat=True))
    for path in paths - kept:
        (settings.MEDIA_ROOT / path).unlink(missing_ok=True)


def _end_sessions(users: set[int]) -> None:
    for session in Session.objects.all():
        if int(session.get_decoded().get("_auth_user_id", 0)) in users:
            session.delete()
