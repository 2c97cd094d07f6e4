"""Measurements against a plan's standards: what is asked and suggested, and that a person decides with a reason."""

from decimal import Decimal as D

import pytest
from django.conf import settings
from django.urls import reverse

from farmland.lib.documents import DocumentError
from parcels.models import Work
from tasks.inspections.guide import Guide
from tasks.inspections.results import NotAll, Result, fingerprint, in_order
from tasks.inspections.standards import Measure, advise, measures, read_all, standards
from tasks.plan.common import common_dictionary
from tasks.plan.document import RuleDoc
from tasks.plan.validate import read_plan
from tests.tasks.batch_world import World
from tests.tasks.land import YEAR
from tests.tasks.page_world import sign_in

XIHE = (settings.BASE_DIR / "plans" / "xihe-2024.yaml").read_text(encoding="utf-8")
CANOPY = {"require": [["canopy_percent", "<=", "50"]], "either": "间作套作"}
DENSITY = {"require": [["density_percent", "<=", "70"]], "either": "间作套作"}
HARD = {"require": [["hardened", "=", "no"]]}
TERMS = {"canopy_percent": {"label": "果树覆盖度", "attrs": {"unit": "%", "maximum": "100"}}}
NAMES = {"canopy_percent": "果树覆盖度", "density_percent": "株数比例", "hardened": "硬化"}


def rule(key, then, when=(), purpose="standard") -> RuleDoc:
    return RuleDoc(key=key, purpose=purpose, when=list(when), then=then, clause="三")


INTERCROP = [["treatment", "=", "intercrop"]]
ROWS = [rule("a", CANOPY, INTERCROP), rule("b", DENSITY, INTERCROP), rule("c", HARD)]


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        ({"canopy_percent": "50", "hardened": "no"}, "passed"),
        ({"canopy_percent": "60", "density_percent": "70", "hardened": "no"}, "passed"),
        ({"canopy_percent": "60", "density_percent": "70.1", "hardened": "no"}, "returned"),
        ({"canopy_percent": "50", "hardened": "yes"}, "returned"),
        ({"canopy_percent": "60", "hardened": "no"}, ""),
        ({"hardened": "yes"}, "returned"),
        ({}, ""),
    ],
)
def test_one_of_the_alternatives_is_enough_and_every_standard_must_be_met(measured, verdict):
    assert advise(ROWS, {"treatment": "intercrop"} | measured, NAMES).verdict == verdict


def test_a_standard_about_other_works_says_nothing():
    assert advise(ROWS[:2], {"treatment": "shrub", "canopy_percent": "90"}, NAMES).sentences == ()
    assert advise(ROWS[:2], {"treatment": None}, NAMES).verdict == ""


def test_the_suggestion_says_what_was_measured_and_what_is_wanted():
    advice = advise(ROWS[:2], {"treatment": "intercrop", "canopy_percent": "60"}, NAMES)

    assert advice.sentences == ("果树覆盖度 60（要求≤50），或株数比例 未测（要求≤70）",)
    assert advice.clause == "三"


def test_only_standards_with_a_requirement_are_measured():
    others = [rule("n", {"needs": ["拆除"]}), rule("m", {"measure": "restore"}, purpose="measure")]

    assert standards([*others, *ROWS]) == ROWS
    assert [(one.code, one.heading) for one in measures(ROWS, TERMS)] == [
        ("canopy_percent", "果树覆盖度（%）"), ("density_percent", "株数占合理株数的比例（%）"), ("hardened", "硬化"),
    ]  # fmt: skip


@pytest.mark.parametrize(("typed", "kept"), [(" ５0.50 ", "50.5"), ("", ""), ("0", "0")])
def test_a_measured_number_is_kept_plain(typed, kept):
    assert Measure("canopy_percent", "果树覆盖度", "%", maximum=D(100)).read(typed) == kept


@pytest.mark.parametrize("typed", ["一半", "101", "-1", "1e2", "NaN"])
def test_what_is_no_measurement_is_refused(typed):
    with pytest.raises(ValueError, match="果树覆盖度应"):
        Measure("canopy_percent", "果树覆盖度", "%", maximum=D(100)).read(typed)


COUNTED = TERMS | {
    "density_percent": {"label": "株数比例", "attrs": {"unit": "%", "maximum": "1000", "ratio_of": ["now", "wanted"]}},
    "now": {"label": "现有株数", "attrs": {"unit": "株"}},
    "wanted": {"label": "合理株数", "attrs": {"unit": "株"}},
}  # fmt: skip


def density(now="", wanted="", stated="") -> dict:
    (one,) = measures([ROWS[1]], COUNTED)
    return read_all([one], {"now": now, "wanted": wanted, "density_percent": stated})


@pytest.mark.parametrize(
    ("now", "wanted", "percent", "verdict"),
    [
        ("42", "60", "70", "passed"),
        ("700000", "999999", "70.0001", "returned"),  # 70.00007 is more than 70 and is not rounded down to it
        ("1", "3", "33.3334", "passed"),
        ("0", "60", "0", "passed"),
    ],
)
def test_a_ratio_is_worked_out_exactly_and_keeps_its_counts(now, wanted, percent, verdict):
    kept = density(now, wanted)
    assert kept == {"now": now, "wanted": wanted, "density_percent": percent}
    assert advise([ROWS[1]], {"treatment": "intercrop"} | kept, NAMES).verdict == verdict


def test_a_ratio_may_be_typed_itself():
    assert density(stated="65.5") == {"now": "", "wanted": "", "density_percent": "65.5"}


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        (("42", ""), "还缺合理株数"),
        (("", "60"), "还缺现有株数"),
        (("42", "0"), "合理株数应大于 0"),
        (("42", "60", "71"), "由系统算，请清空"),
        (("9999", "1"), "不大于 1000"),
        (("四十", "60"), "现有株数应为数字"),
    ],
)
def test_counts_that_give_no_ratio_are_refused(typed, word):
    with pytest.raises(ValueError, match=word):
        density(*typed)


def test_the_page_takes_the_counts_and_shows_what_they_gave(measured, client):
    sign_in(client, measured.officer)
    page = reverse("inspection_detail", kwargs={"town": "qingxi", "year": YEAR, "pk": measured.one.pk})
    item = in_order(measured.one).first()
    sent = {f"seen_{item.pk}": fingerprint(item), f"m-trees_standing_{item.pk}": "42",
            f"m-trees_reasonable_{item.pk}": "60", f"verdict_{item.pk}": "passed"}  # fmt: skip
    for _ in range(2):
        answer = client.post(f"{page}fill/", sent, follow=True)
        assert "算得 70%" in answer.content.decode()
    item.refresh_from_db()
    assert item.measured == {"trees_standing": "42", "trees_reasonable": "60", "density_percent": "70"}
    assert f'name="m-density_percent_{item.pk}"' in answer.content.decode()
    assert client.post(f"{page}fill/", sent | {f"m-trees_reasonable_{item.pk}": ""}).status_code == 400


def test_xihe_asks_for_canopy_or_density_where_crops_stand_between_trees():
    doc = read_plan(XIHE, common_dictionary())
    rows = standards(doc.rules)

    assert [one.key for one in rows] == ["intercrop_canopy", "intercrop_density"]
    intercrop = {"treatment": "intercrop"}
    assert advise(rows, intercrop | {"canopy_percent": "50"}, {}).verdict == "passed"
    assert advise(rows, intercrop | {"canopy_percent": "51", "density_percent": "71"}, {}).verdict == "returned"


@pytest.fixture
def measured(db):
    """A batch of one work with crops between trees, in a town whose plan has 西河's standards."""
    world = World()
    type(world.land.plan).objects.update(source=XIHE, digest="standards")
    Work.objects.filter(pk=world.east[0].pk).update(treatment="intercrop")
    world.one = world.batch(world.east[:2])
    return world


FAILED = {"canopy_percent": "60", "density_percent": "80"}


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (Result("passed", measured=FAILED), "实测没有达到标准（果树覆盖度 60（要求≤50），或"),
        (Result("passed"), "标准要求实测（果树覆盖度 未测"),
    ],
)
def test_passing_against_the_standard_needs_a_reason(measured, result, message):
    with pytest.raises(NotAll) as caught:
        measured.fill(measured.one, r1=result)
    assert message in caught.value.rows[0][2]
    with_reason = Result(**(vars(result) | {"note": "果树已移栽，覆盖度按移栽后算"}))

    assert measured.fill(measured.one, r1=with_reason) == 1
    assert in_order(measured.one).first().measured == result.measured


def test_meeting_one_alternative_passes_without_a_word(measured):
    passed = Result("passed", measured={"canopy_percent": "60", "density_percent": "65"})

    assert measured.fill(measured.one, r1=passed, r2=Result("passed")) == 2


def test_only_the_work_the_standard_is_about_is_measured(measured):
    guide = Guide(measured.one, [])
    first, second = in_order(measured.one).select_related("work__parcel")

    assert [one.code for one in guide.measures(first)] == ["canopy_percent", "density_percent"]
    assert guide.measures(second) == []
    assert guide.advice(second).sentences == ()


@pytest.mark.parametrize(
    ("then", "purpose", "message"),
    [
        ('{require: [[mood, "<=", "50"]]}', "standard", "没有名为“mood”的事实"),
        ('{require: [[canopy_percent, "<=", "50"]]}', "warning", "只有标准"),
        ("{require: half}", "standard", "应为条件的列表"),
    ],
)
def test_a_plan_file_with_a_wrong_requirement_is_refused_with_its_place(then, purpose, message):
    row = f"  - {{key: wrong, purpose: {purpose}, when: [], quote: 一, then: {then}}}"
    with pytest.raises(DocumentError) as refusal:
        read_plan(XIHE.replace("\nterms:\n", f"{row}\n\nterms:\n"), common_dictionary())

    assert any(message in str(one) and "then.require" in str(one) for one in refusal.value.problems)
