"""Demo data are marked, add nothing to what plans say, and go without a trace."""

from decimal import Decimal

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from farmland.accounts.models import ApiToken, User, record
from farmland.demo.services import load_demo, remove_demo
from farmland.lib import geo
from parcels.models import Kind, Parcel, Proposal, Shape, Step, Work
from parcels.verification import LABELS
from subsidies.models import Program, Rate, RateVersion
from subsidies.proof import freeze
from tasks.acceptance import Wish, accept
from tasks.findings import check
from tasks.models import Entry, Finding, Plan, Progress, RedLineResult, Share, Statement, Target, TownYear
from tasks.services import recompute
from tests.tasks.page_world import towns

pytestmark = pytest.mark.django_db
UNTOUCHED = (Plan, Target, Share, Statement, Entry, Program, Rate)


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A state folder for the module: the demo password and the demo villages' files lie there."""
    from django.conf import settings

    kept = settings.VAR, settings.MEDIA_ROOT
    settings.VAR = tmp_path_factory.mktemp("var")
    settings.MEDIA_ROOT = settings.VAR / "media"
    yield settings
    settings.VAR, settings.MEDIA_ROOT = kept


@pytest.fixture(scope="module")
def said(places, django_db_setup, django_db_blocker):
    """Four plans, and then the demo data: what stood before, what loading told, and what stands after."""
    with towns(django_db_blocker, "xihe-2024", "erping-2023", "shiyu-2024", "erong-2023"):
        TownYear.objects.update(working_date=None)
        for plan in Plan.objects.select_related("town"):
            recompute(plan.town, plan.year)
        before = {model: list(model.objects.order_by("pk").values()) for model in UNTOUCHED}
        stood, figures = counts(), progress()
        kept = {"checked": checked(), "versions": versions()}
        made = load_demo()
        yield {"before": before, "counts": stood, "figures": figures, "made": made} | kept


@pytest.fixture(autouse=True)
def password_kept(said):
    """A test that removes the demo takes its rows back by rollback; the password file is put back here."""
    path = settings.VAR / "demo_password"
    text = path.read_text()
    yield
    if not path.exists():
        path.write_text(text)
        path.chmod(0o600)


def progress() -> list[tuple]:
    return list(Progress.objects.order_by("pk").values_list("pk", "counted", "state", "reason"))


def counts() -> dict[str, int]:
    return {model._meta.label: model._default_manager.count() for model in apps.get_models()}


def versions() -> list[tuple]:
    """The versions a plan made."""
    rows = RateVersion.objects.filter(created_by=None).order_by("pk")
    return list(rows.values_list("pk", "state", "valid_to", "digest", "chosen"))


def checked() -> list[tuple]:
    """What the plan check says of every plan."""
    for plan in Plan.objects.order_by("pk"):
        check(plan)
    return sorted(Finding.objects.values_list("plan", "rule", "place", "message"))


def test_demo_changes_nothing_a_plan_says(said):
    assert {model: list(model.objects.order_by("pk").values()) for model in UNTOUCHED} == said["before"]


def test_demo_does_not_exist_for_the_plan_check(said):
    assert checked() == said["checked"]


def test_demo_is_loaded_once(said):
    assert said["made"] == ["西河镇 2024 年", "石鱼镇 2024 年", "峨溶镇 2023 年", "二坪镇 2023 年"]
    stood = counts()
    assert load_demo() == []
    assert counts() == stood


def test_the_password_is_kept_private_and_the_same():
    path = settings.VAR / "demo_password"
    assert path.stat().st_mode & 0o777 == 0o600
    assert User.objects.get(username="xihe").check_password(path.read_text())


def test_erping_in_out_keeps_its_32_and_reaches_7_10_when_all_is_accepted():
    row = Progress.objects.get(town__slug="erping", kind="in_out", tranche="", division=None)
    assert (row.counted, row.amount) == (32, 101)
    line = RedLineResult.objects.get(town__slug="erping", line="retention")
    assert (line.margin, line.tiers["planned"]["margin"]) == (Decimal("-61.9"), "7.1")


def test_every_stage_of_the_ladder_is_shown_somewhere():
    stages = set(Parcel.objects.values_list("stage", flat=True))
    assert {"issued", "cleared", "ploughed", "planted", "evidenced", "town_accepted", "county_accepted"} <= stages
    assert Step.objects.filter(verdict="returned").exists()


def test_every_finding_and_every_way_out_is_shown_in_one_town():
    works = Work.objects.filter(town__slug="xihe")
    assert set(works.values_list("exit", flat=True)) == {"", *dict(Work.EXITS)}
    assert works.get(replaces__exit="substituted").exit == ""
    found = set(Parcel.objects.filter(town__slug="xihe").values_list("finding", flat=True))
    assert found == {"", *LABELS}


def test_xihe_has_two_thousand_parcels_each_as_large_on_the_map_as_on_paper():
    parcels = Parcel.objects.filter(town__slug="xihe", is_demo=True)
    assert parcels.count() >= 2000
    assert not parcels.filter(shape=None).exists()
    shapes = Shape.objects.filter(parcel__in=parcels).values_list("computed_mu", "parcel__gross_mu")
    assert all(abs(drawn - issued) <= issued / 1000 + Decimal("0.001") for drawn, issued in shapes)


def test_clues_have_every_finding_and_no_work():
    clues = Parcel.objects.filter(town__slug="xihe", source="routine_monitoring", is_demo=True)
    assert set(clues.values_list("finding", flat=True)) == {"real", "partly", "no_problem", "blocked", ""}
    assert not Work.objects.filter(parcel__in=clues).exists()


@pytest.mark.parametrize("layer", ["redline", "steep"])
def test_some_demo_parcels_lie_on_a_constraint_layer(layer):
    area = geo.read_wkb(Shape.objects.get(layer__source=layer, layer__town__slug="xihe").wkb)
    shapes = Shape.objects.filter(parcel__town__slug="xihe").values_list("wkb", "parcel__works")
    on = [worked for wkb, worked in shapes if area.intersects(geo.read_wkb(wkb))]
    assert 10 < len(on) < 300
    assert any(on), "also a parcel with work"


def test_removing_demo_leaves_no_trace(said):
    user = User.objects.get(username="xihe")
    ApiToken.issue(user)
    record("试用", "某事", user=user, town=Plan.objects.get(town__slug="xihe").town)
    town_year = TownYear.objects.get(town__slug="xihe", year=2024)
    village = town_year.town.children.get(name="新四村")
    kind = Kind.objects.get(code="abandonment")
    accept(town_year, Wish(village, kind, "county", Decimal("1.5"), town_year.today(), "passed"), by=user)
    Proposal.objects.create(
        town=town_year.town, division=village, year=2024, kind=kind, code="自选1", area_mu=1, land_class="0305",
        slope=5, in_redline=False, planned_order=1, consented_on=town_year.today(), proposed_by=user,
    )  # fmt: skip
    remove_demo()
    after = counts()
    assert {name: after[name] - count for name, count in said["counts"].items() if after[name] != count} == {}
    assert not (settings.VAR / "demo_password").exists()
    assert progress() == said["figures"]
    assert versions() == said["versions"]
    assert freeze.missing() == []


def test_real_facts_stay_when_demo_goes():
    real = User.objects.create_user("zhang", password="a-long-password", is_superuser=True)
    town_year = TownYear.objects.get(town__slug="xihe", year=2024)
    village = town_year.town.children.get(name="新四村")
    kind = Kind.objects.get(code="restructure")
    TownYear.objects.filter(pk=town_year.pk).update(working_date=timezone.localdate())
    town_year.refresh_from_db()
    step = accept(town_year, Wish(village, kind, "county", Decimal("1.25"), town_year.today(), "passed"), by=real).step
    call_command("remove_demo")
    assert Step.objects.filter(pk=step.pk).exists()
    row = Progress.objects.get(town__slug="xihe", kind="restructure", division=village)
    assert row.counted == Decimal("1.25")


def test_demo_issues_stand_in_every_state_and_printed_ledgers_are_left_alone():
    from tasks.models import Clue, Issue

    assert set(Issue.objects.filter(town__slug="xihe").values_list("state", "is_demo", "version")) == {
        ("open", False, 1)
    }
    assert Issue.objects.filter(town__slug="xihe").count() == 23
    states = set(Clue.objects.filter(town__slug="xihe").values_list("state", flat=True))
    assert states == {"new", "dismissed", "duplicate"}


def test_a_few_printed_issues_without_a_parcel_have_photos():
    from tasks.models import Issue

    found = Issue.objects.filter(town__slug="xihe", parcels=None, photos__phase="before", photos__is_demo=True)
    assert sorted(found.values_list("serial", flat=True)) == ["14", "8", "8"]


def test_what_demo_users_did_to_real_issues_is_undone(said):
    from tasks.issues import Decision, decide, move
    from tasks.models import Issue, IssueEvent

    issue = Issue.objects.get(town__slug="xihe", serial="4")
    before = Issue.objects.filter(pk=issue.pk).values().get()
    users = {one.username: one for one in User.objects.filter(username__in=("xihe", "admin"))}
    day = TownYear.objects.get(town__slug="xihe", year=2024).today()
    decide(issue, Decision("deferred", day, "盛果期"), by=users["xihe"])
    for name, who in (("done", "xihe"), ("accept", "admin"), ("close", "admin")):
        move(issue, name, by=users[who], on=day)
    remove_demo()
    after = Issue.objects.filter(pk=issue.pk).values().get()
    assert {name for name in before if before[name] != after[name]} <= {"updated_at"}
    assert not IssueEvent.objects.exists()
