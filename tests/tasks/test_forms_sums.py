"""Whatever sequence of forms comes in, the sum of the steps is what the last accepted cell says."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farmland.jobs.models import Upload
from farmland.lib.excel import Cell, Row, Sheet
from tasks.forms.changes import compare
from tasks.forms.facts import division_facts, issue_form
from tasks.forms.incoming import Look, given_for
from tasks.forms.reading import Line, read_sheet
from tasks.forms.services import apply
from tasks.forms.values import AREAS, Facts, Item, Said, Stage
from tasks.forms.workbook import HEADINGS
from tasks.models import TownYear
from tests.tasks.form_world import make_world

STAGES = (Stage("ploughed", "已翻耕", 4), Stage("planted", "已种植", 5))
AREA = st.decimals(0, 60, places=4, allow_nan=False).map(lambda one: one.quantize(Decimal("0.0001")))


def facts_of(state):
    said = {code: Said(area, date(2024, 10, 1)) for code, area in state.items() if area}
    return Facts(AREAS, (Item("task:abandonment:", "自然撂荒", "abandonment", said=said),), {"abandonment": STAGES})


def line(code, area):
    cells = {"面积（亩）": f"C{code}", "环节": f"B{code}"}
    number = [stage.code for stage in STAGES].index(code) + 2
    return Line(number, "task:abandonment:", code, code, area, date(2024, 10, 1), "", "原因", cells)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.dictionaries(st.sampled_from([one.code for one in STAGES]), AREA)), max_size=8
    )
)
@settings(max_examples=150, deadline=None)
def test_steps_add_up_to_the_cells_also_of_stale_forms(forms):
    """Each form was issued up to three states ago; its filled cells win (mine), the others keep what stands."""
    state = {one.code: Decimal(0) for one in STAGES}
    past = [dict(state)]
    for age, cells in forms:
        base = past[max(len(past) - 1 - age, 0)]
        lines = [line(code, cells.get(code, base[code])) for code in state]
        expected = {code: cells[code] if cells.get(code, base[code]) != base[code] else state[code] for code in state}
        outcome = compare(lines, facts_of(base), facts_of(state), lambda cell: "mine")
        for change in outcome.changes:
            state[change.stage] += change.delta
        assert state == expected
        again = compare(lines, facts_of(base), facts_of(state), lambda cell: "mine")
        assert sum(abs(change.delta) for change in again.changes) == 0
        past.append(dict(state))


def sheet_of(facts, areas):
    """The form as it would come out of the child, filled in."""
    rows = [Row(1, tuple(Cell("text", heading) for heading in HEADINGS[AREAS]))]
    numbers = [(number, item, stage) for item in facts.items for number, stage in item.rows]
    for (number, item, stage), area in zip(numbers, areas, strict=False):
        texts = (item.task, facts.stage_name(item.kind, stage), str(area), "2024-10-01", "原因")
        rows.append(Row(number, tuple(Cell("text", text) if text else Cell("empty") for text in texts)))
    return Sheet("进度", rows=tuple(rows))


@pytest.fixture
def world(db, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return make_world()


@given(forms=st.lists(st.lists(AREA, min_size=5, max_size=5), min_size=1, max_size=4))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_steps_in_the_database_add_up_to_the_cells(world, forms):
    with transaction.atomic():
        for areas in forms:
            form, _ = issue_form(world.shuangyong, 2024, world.neighbour)
            found = look_of(world, form, areas)
            assert found.errors == []
            assert apply(found, world.neighbour, "", lambda cell: None, None, True).state in ("applied", "duplicate")
            now = division_facts(world.shuangyong, 2024).items[0].said
            stated = [now[code].area if code in now else Decimal(0) for _, code in found.facts.items[0].rows]
            assert stated == areas
        transaction.set_rollback(True)


def look_of(world, form, areas):
    facts = Facts.from_json(form.facts)
    upload = Upload.objects.create(
        town=world.town, division=world.shuangyong, user=world.neighbour, name="x", purpose="form", size=1,
        path="x", sha256="0" * 64,
    )  # fmt: skip
    found = Look(upload, form=form, town_year=TownYear.objects.get(town=world.town, year=2024), facts=facts)
    found.reading = read_sheet(sheet_of(facts, areas), given_for(found, world.neighbour))
    return found
