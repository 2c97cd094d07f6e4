"""Villages that are renamed or merged keep their history; the successor carries on with everything."""

from datetime import date
from decimal import Decimal

import pytest
from django.conf import settings

from farmland.accounts.models import Event, Grant
from farmland.lib.refused import Refused
from farmland.places.models import Division
from parcels.models import Kind, Step
from tasks.acceptance import Wish, accept
from tasks.divisions import merge, rename
from tasks.forms.facts import division_facts
from tasks.models import Clue, Issue, Progress, TownYear
from tasks.plan.load import load_plan
from tasks.services import recompute
from tests.tasks.form_world import Paper, hand_in
from tests.tasks.page_world import load_town, person, sign_in, village

pytestmark = pytest.mark.django_db
DAY = date(2024, 9, 1)


@pytest.fixture
def town():
    return load_town("xihe-2024").town


@pytest.fixture
def official(town):
    return person("official", town)


def figures(division) -> dict:
    rows = Progress.objects.filter(division=division)
    return {one.target.key: (one.amount, one.counted) for one in rows.select_related("target")}


def row_of(paper: Paper, task: str, stage: str) -> int:
    return next(one for one in paper.rows() if (paper[one, "任务"], paper[one, "环节"]) == (task, stage))


def report(division, stage: str, area: str):
    head = person("village_head", division, f"head-{division.code}")
    paper = Paper.issue(division, head)
    paper.fill(row_of(paper, "自然撂荒", stage), area=area, on="2024-08-01")
    return head, hand_in(paper, head, division)


def test_a_renamed_village_is_found_under_both_names(town, official):
    row = rename(village(town, "新四村"), "新民村", by=official, reason="区府批复")
    assert (row.name, "新四村" in row.aliases) == ("新民村", True)
    inside = Division.objects.under(town.path)
    assert inside.named("新四村") == inside.named("新民村") == row
    event = Event.objects.get(action="区划更名")
    assert (event.before, event.after) == ({"名称": "新四村"}, {"名称": "新民村"})


@pytest.mark.parametrize(("name", "field"), [("双永村", "name"), ("新四村", "name"), (" ", "name")])
def test_a_name_in_use_is_refused(town, official, name, field):
    with pytest.raises(Refused) as refusal:
        rename(village(town, "新四村"), name, by=official, reason="依据")
    assert refusal.value.field == field


def test_two_villages_become_one_and_their_figures_stand_together(town, official):
    old, other = village(town, "新四村"), village(town, "双永村")
    before = figures(old), figures(other)
    whole = figures(None)
    new = merge([old, other], name="新永村", on=DAY, by=official, reason="区府批复")
    recompute(town, 2024)
    after = figures(new)
    assert set(after) >= set(before[0]) | set(before[1])
    for key, (amount, _) in after.items():
        parts = [one[key][0] for one in before if one.get(key, (None,))[0] is not None]
        assert amount == (sum(parts) if parts else None), key
    assert figures(None) == whole
    old.refresh_from_db()
    assert (old.valid_to, old.merged_into, old.parent) == (DAY, new, new)
    assert old.path.startswith(new.path)


def test_area_reported_and_accepted_before_counts_for_the_successor(town, official):
    old, other = village(town, "新四村"), village(town, "双永村")
    head, result = report(old, "已种植", "3.5")
    assert result.state == "applied", result
    kind, day = Kind.objects.get(pk="abandonment"), date(2024, 8, 20)
    accept(TownYear.objects.get(town=town), Wish(old, kind, "county", Decimal("2.5"), day, "passed"), by=official)
    new = merge([old, other], name="新永村", on=DAY, by=official, reason="区府批复")
    recompute(town, 2024)
    assert figures(new)["abandonment"][1] == Decimal("2.5")
    assert Step.objects.filter(work__division=old).count() == 2  # nothing was rewritten
    items = {one.task: one for one in division_facts(new, 2024).items}
    assert "自然撂荒（原新四村）" in items
    assert items["自然撂荒（原新四村）"].said["planted"].area == Decimal("3.5")
    assert not items["自然撂荒"].said
    grants = Grant.objects.filter(user=head)
    assert [(one.division_id, one.valid_to) for one in grants.order_by("pk")] == [(old.pk, DAY), (new.pk, None)]


def waiting_of(client, town) -> dict:
    """place → (area, what the button opens)."""
    page = client.get(f"/{town.slug}/2024/acceptances/")
    assert page.status_code == 200
    return {one["place"]: (one["row"].area, one["form"]) for one in page.context["queue"]}


def entry(division, area, key, level="county") -> dict:
    return {
        "kind": "abandonment", "level": level, "division": division.code, "accepted_mu": area, "declared_mu": area,
        "accepted_on": "2024-09-20", "verdict": "passed", "key": key,
    }  # fmt: skip


def test_what_an_old_village_reported_is_accepted_under_its_name(town, official, client):
    TownYear.objects.filter(town=town).update(working_date=date(2024, 9, 20))
    old, other = village(town, "新四村"), village(town, "双永村")
    report(old, "已种植", "3.5")
    new = merge([old, other], name="新永村", on=DAY, by=official, reason="区府批复")
    recompute(town, 2024)
    sign_in(client, official)
    here = f"/{town.slug}/2024/acceptances/"
    lines = waiting_of(client, town)
    assert lines["新四村（已并入新永村）"][0] == Decimal("3.5")
    assert f"for_division={old.code}" in lines["新四村（已并入新永村）"][1]
    assert not {"新永村", "双永村（已并入新永村）"} & set(lines)
    choices = dict(client.get(here).context["form"].fields["division"].choices)
    assert choices[old.code] == "新四村（已并入新永村）"
    assert other.code not in choices  # nothing was reported there
    assert client.post(f"{here}new/", entry(other, "1", "k0")).status_code == 400

    for _ in range(2):  # sent twice it is once
        assert client.post(f"{here}new/", entry(old, "3.5", "k1")).status_code == 302
    recompute(town, 2024)
    row = Progress.objects.get(division=new, target__key="abandonment")
    assert (row.counted, Decimal(row.reached["planted"])) == (
        Decimal("3.5"),
        Decimal("3.5"),
    )  # not once more beside it
    assert Step.objects.filter(work__division=old, rung__level="county").count() == 1
    assert waiting_of(client, town) == {}
    assert old.code not in dict(client.get(here).context["form"].fields["division"].choices)


def test_the_queue_keeps_the_successors_own_area_apart(town, official, client):
    TownYear.objects.filter(town=town).update(working_date=date(2024, 9, 20))
    old, other = village(town, "新四村"), village(town, "双永村")
    report(old, "已种植", "3.5")
    new = merge([old, other], name="新永村", on=DAY, by=official, reason="区府批复")
    head = person("village_head", new, "head-new")
    paper = Paper.issue(new, head)
    paper.fill(row_of(paper, "自然撂荒", "已种植"), area="2", on="2024-09-20")
    assert hand_in(paper, head, new).state == "applied"
    recompute(town, 2024)
    sign_in(client, official)
    lines = {place: area for place, (area, _) in waiting_of(client, town).items()}
    assert lines == {"新永村": Decimal(2), "新四村（已并入新永村）": Decimal("3.5")}

    page = client.get(f"/{town.slug}/2024/acceptances/batches/queue/", {"division": old.code, "start": "planted"})
    names = [one["place"] for one in page.context["groups"]]
    assert names == ["新永村", "新四村（已并入新永村）"]
    assert page.context["count"] == 1
    assert "新四村（已并入新永村）" in dict(page.context["queue"].choices).values()


def test_issues_and_clues_of_an_old_village_stay_in_the_lists(town, official, client):
    old, other = village(town, "新四村"), village(town, "双永村")
    issue = Issue.objects.filter(town=town, division=old).first() or Issue.objects.create(
        town=town, division=old, year=2024, kind_id="rectification", ledger="旧", serial="1"
    )
    clue = Clue.objects.create(town=town, division=old, year=2024, category="idle", place="旧村口", by=official)
    new = merge([old, other], name="新永村", on=DAY, by=official, reason="区府批复")
    for who in (official, person("village_head", new, "head-new")):
        sign_in(client, who)
        base = f"/{town.slug}/2024"
        for chosen in ({}, {"division": old.code}, {"division": new.code}):
            assert f"/issues/{issue.pk}/" in client.get(f"{base}/issues/", chosen).content.decode()
            assert f"/clues/{clue.pk}/" in client.get(f"{base}/clues/", chosen).content.decode()
        assert client.get(f"{base}/issues/{issue.pk}/").status_code == 200
        assert client.get(f"{base}/clues/{clue.pk}/").status_code == 200


def test_the_successor_reports_on_for_the_old_villages(town, official):
    old, other = village(town, "新四村"), village(town, "双永村")
    report(old, "已种植", "3.5")
    new = merge([old, other], name="新永村", on=DAY, by=official, reason="区府批复")
    head = person("village_head", new, "head-new")
    paper = Paper.issue(new, head)
    for task, area in (("自然撂荒（原新四村）", "5"), ("自然撂荒", "2")):
        paper.fill(row_of(paper, task, "已种植"), area=area, on="2024-09-20")
    result = hand_in(paper, head, new)
    assert result.state == "applied", result
    recompute(town, 2024)
    row = Progress.objects.get(division=new, target__key="abandonment")
    assert Decimal(row.stages["planted"]) == Decimal(7)


def test_a_reload_of_the_plan_revives_nothing(town, official):
    old, other = village(town, "新四村"), village(town, "双永村")
    merge([old, other], name="新永村", on=DAY, by=official, reason="区府批复")
    count = Division.objects.count()
    load_plan((settings.BASE_DIR / "plans" / "xihe-2024.yaml").read_text(encoding="utf-8"))
    assert Division.objects.count() == count
    old.refresh_from_db()
    assert old.valid_to == DAY


def test_one_village_goes_into_its_neighbour(town, official):
    old, into = village(town, "新四村"), village(town, "双永村")
    assert merge([old], into=into, on=DAY, by=official, reason="区府批复") == into
    recompute(town, 2024)
    old.refresh_from_db()
    assert old.path.startswith(into.path)
    assert [one.name for one in into.merged_from.all()] == ["新四村"]


def test_mergers_follow_mergers(town, official):
    first, second, third = (village(town, name) for name in ("新四村", "双永村", "兴建村"))
    amounts = [figures(one)["abandonment"][0] for one in (first, second, third)]
    middle = merge([first, second], name="新永村", on=DAY, by=official, reason="批复")
    last = merge([middle, third], name="新兴村", on=DAY, by=official, reason="批复")
    recompute(town, 2024)
    assert figures(last)["abandonment"][0] == sum(amounts)
    assert set(last.merged_from.values_list("name", flat=True)) == {"新永村", "新四村", "双永村", "兴建村"}


@pytest.mark.parametrize(
    ("olds", "options", "field"),
    [
        (["新四村"], {"name": "新永村"}, "divisions"),
        (["新四村", "双永村"], {"name": "兴建村"}, "name"),
        (["新四村", "双永村"], {"name": ""}, "name"),
        (["新四村", "双永村"], {"name": "新永村", "on": date(2030, 1, 1)}, "on"),
        (["新四村", "双永村"], {"name": "新永村", "reason": " "}, "reason"),
        ([], {"name": "新永村"}, "divisions"),
    ],
)
def test_what_cannot_be_merged_is_refused_and_nothing_changes(town, official, olds, options, field):
    before = list(Division.objects.values_list("pk", "path", "valid_to"))
    with pytest.raises(Refused) as refusal:
        merge([village(town, one) for one in olds], **{"on": DAY, "by": official, "reason": "批复", **options})
    assert refusal.value.field == field
    assert list(Division.objects.values_list("pk", "path", "valid_to")) == before


def test_the_page_merges_and_says_so(town, official, client):
    sign_in(client, official)
    base = f"/{town.slug}/2024/divisions/"
    old, other = village(town, "新四村"), village(town, "双永村")
    answer = client.post(
        f"{base}merge/",
        {"divisions": [old.code, other.code], "into": "", "name": "新永村", "on": "2024-09-01", "reason": "区府批复"},
        follow=True,
    )
    page = answer.content.decode()
    assert "已并入新永村" in page
    assert "并入新永村" in page
    answer = client.post(f"{base}{old.code}/rename/", {"name": "别的村", "reason": "依据"})
    assert answer.status_code == 409
    assert "已撤并，不能更名" in answer.content.decode()


def test_a_closed_year_keeps_its_figures(town, official):
    TownYear.objects.filter(town=town).update(closed_on=date(2025, 1, 10))
    old = village(town, "新四村")
    before = figures(old)
    merge([old, village(town, "双永村")], name="新永村", on=DAY, by=official, reason="批复")
    recompute(town, 2024)
    assert figures(old) == before
