"""Demo data are marked, add nothing to what plans say, and go without a trace."""

from decimal import Decimal

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from farmland.accounts.models import ApiToken, User, record
from farmland.demo.services import load_demo, remove_demo
from parcels.models import Kind, Parcel, Step
from tasks.acceptance import Wish, accept
from tasks.findings import check
from tasks.models import Entry, Plan, Progress, RedLineResult, Share, Statement, Target, TownYear
from tasks.plan.load import load_plan
from tasks.services import recompute

pytestmark = pytest.mark.django_db
UNTOUCHED = (Plan, Target, Share, Statement, Entry)


@pytest.fixture
def towns(tmp_path, settings):
    settings.VAR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    for name in ("xihe-2024", "erping-2023", "shiyu-2024"):
        plan = load_plan((settings.BASE_DIR / "plans" / f"{name}.yaml").read_text(encoding="utf-8")).plan
        check(plan)
        recompute(plan.town, plan.year)


def counts() -> dict[str, int]:
    return {model._meta.label: model._default_manager.count() for model in apps.get_models()}


def test_demo_changes_nothing_a_plan_says(towns):
    before = {model: list(model.objects.order_by("pk").values()) for model in UNTOUCHED}
    load_demo()
    assert {model: list(model.objects.order_by("pk").values()) for model in UNTOUCHED} == before


def test_demo_is_loaded_once(towns):
    assert load_demo() == ["西河镇 2024 年", "石鱼镇 2024 年", "二坪镇 2023 年"]
    stood = counts()
    assert load_demo() == []
    assert counts() == stood


def test_the_password_is_kept_private_and_the_same(towns):
    load_demo()
    path = settings.VAR / "demo_password"
    assert path.stat().st_mode & 0o777 == 0o600
    assert User.objects.get(username="xihe").check_password(path.read_text())


def test_erping_in_out_keeps_its_32_and_reaches_7_10_when_all_is_accepted(towns):
    load_demo()
    row = Progress.objects.get(town__slug="erping", kind="in_out", tranche="", division=None)
    assert (row.counted, row.amount) == (32, 101)
    line = RedLineResult.objects.get(town__slug="erping", line="retention")
    assert (line.margin, line.tiers["planned"]["margin"]) == (Decimal("-61.9"), "7.1")


def test_every_stage_of_the_ladder_is_shown_somewhere(towns):
    load_demo()
    stages = set(Parcel.objects.values_list("stage", flat=True))
    assert {"issued", "cleared", "ploughed", "planted", "evidenced", "town_accepted", "county_accepted"} <= stages
    assert Step.objects.filter(verdict="returned").exists()


def test_removing_demo_leaves_no_trace(towns):
    before = counts()
    as_of = list(Progress.objects.order_by("pk").values_list("pk", "counted", "state"))
    load_demo()
    user = User.objects.get(username="xihe")
    ApiToken.issue(user)
    record("试用", "某事", user=user, town=Plan.objects.get(town__slug="xihe").town)
    town_year = TownYear.objects.get(town__slug="xihe", year=2024)
    village = town_year.town.children.get(name="新四村")
    kind = Kind.objects.get(code="abandonment")
    accept(town_year, Wish(village, kind, "county", Decimal("1.5"), town_year.today(), "passed"), by=user)
    remove_demo()
    after = counts()
    assert {name: after[name] - count for name, count in before.items() if after[name] != count} == {}
    assert not (settings.VAR / "demo_password").exists()
    assert list(Progress.objects.order_by("pk").values_list("pk", "counted", "state")) != []
    assert [row[:2] for row in as_of] == list(Progress.objects.order_by("pk").values_list("pk", "counted"))


def test_real_facts_stay_when_demo_goes(towns):
    load_demo()
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
