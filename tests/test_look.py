"""Every component of a page: its markup, the words read aloud, and that hostile text stays text."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal as D
from types import SimpleNamespace as Thing

import pytest
from django.core.paginator import Paginator
from django.forms import CharField, DecimalField, Form
from django.template import TemplateSyntaxError, engines
from django.utils.safestring import mark_safe

from farmland import icons
from farmland.templatetags import formats, words

HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture(autouse=True)
def plain_static(settings):
    """Static addresses without the manifest that collectstatic makes."""
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


def draw(source: str, **context) -> str:
    return engines["django"].from_string("{% load farmland %}" + source).render(context)


# Numbers and dates


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        pytest.param("{{ v|mu }}", "1,210.37", id="mu"),
        pytest.param("{{ v|signed }}", "+1,210.37", id="signed"),
        pytest.param("{{ n|signed }}", "−61.90", id="true minus"),
        pytest.param("{{ z|mu }} {{ z|signed }}", "0.00 0.00", id="zero"),
        pytest.param("{{ none|mu }} {{ none|signed }} {{ none|percent }}", "— — —", id="nothing"),
        pytest.param("{{ r|percent }}", "31.68%", id="percent"),
        pytest.param("{{ r|percent:1 }}", "31.7%", id="percent with one decimal"),
        pytest.param("{{ c|quantity:'count' }} {{ c|quantity:'mu' }}", "2 2.00", id="count and area"),
        pytest.param("{{ 'mu'|unit }} {{ 'count'|unit }} {{ 'basket'|unit }}", "亩 个 basket", id="units"),
        pytest.param("{{ d|local_date }} {{ d|local_date:'short' }}", "2023-09-12 09-12", id="date"),
        pytest.param("{{ m|local_date }}", "2023-09-12 17:00", id="moment in local time"),
    ],
)
def test_values_read_as_they_are_printed(source, shown):
    context = {"v": D("1210.37"), "n": D("-61.9"), "z": D("0"), "r": D("0.3168"), "c": D("2.0000"), "none": None}
    context |= {"d": date(2023, 9, 12), "m": datetime(2023, 9, 12, 9, 0, tzinfo=UTC)}

    assert draw(source, **context) == shown


def test_a_float_is_refused():
    with pytest.raises(TypeError, match=r"0\.1"):
        formats.mu(0.1)


def test_what_rounds_to_nothing_has_no_sign():
    assert formats.signed(D("-0.004")) == "0.00"
    assert formats.signed(D("0.004")) == "0.00"


# Components


@pytest.mark.parametrize(
    ("state", "icon", "word"),
    [
        ("met", "met", "已完成"),
        ("on_track", "track", "正常"),
        ("at_risk", "risk", "有风险"),
        ("overdue", "overdue", "逾期"),
        ("infeasible", "broken", "不可达"),
        ("no_data", "none", "无数据"),
        (None, "none", "无数据"),
    ],
)
def test_a_state_is_a_shape_and_a_word(state, icon, word):
    drawn = draw("{% chip s %}", s=state)

    assert f'href="#i-{icon}"' in drawn
    assert word in drawn


def test_red_is_kept_for_red_lines():
    for state in ("overdue", "infeasible"):
        assert "chip--broken" not in draw("{% chip s %}", s=state)
        assert "chip--broken" in draw("{% chip s red_line=True %}", s=state)


def test_a_state_without_a_shape_keeps_its_word():
    drawn = draw("{% chip s %}", s="wandering")

    assert "chip--none" in drawn
    assert "wandering" in drawn


def test_every_state_has_an_icon_that_exists():
    assert {look.icon for look in words.STATES.values()} <= set(icons.ICONS)


def test_an_unknown_icon_is_a_mistake_in_the_template():
    with pytest.raises(TemplateSyntaxError, match="no such icon: sun"):
        draw('{% icon "sun" %}')


def test_a_bullet_says_in_words_what_it_draws():
    drawn = draw("{% bullet s t '还需 61.90' %}", s=[("evidenced", D("12.4")), ("planted", D("21.6"))], t=D("61.90"))

    assert 'aria-label="还需 61.90 亩。已举证 12.40，已种植 21.60。"' in drawn
    assert 'fill="url(#t-evidenced)"' in drawn
    assert 'width="19.23%"' in drawn
    assert '<line class="bullet__target" x1="96%" x2="96%"' in drawn


def test_a_bullet_of_nothing_says_so():
    assert 'aria-label="没有数据。"' in draw("{% bullet s %}", s=[])


def test_the_key_leaves_out_what_is_not_there():
    drawn = draw("{% bullet_key s %}", s={"accepted": D(0), "planted": "21.6"})

    assert "已种植 21.60" in drawn
    assert "已认定" not in drawn


def test_counted_things_are_read_aloud():
    assert 'aria-label="共 3 个：已销号 1 个，未销号 2 个。"' in draw("{% bullet_units 1 3 %}")


def test_a_cell_shows_counted_target_share_and_bar():
    drawn = draw("{% cell 'on_track' c t d %}", c=D("9.4"), t=D(22), d=D("16.8"))

    assert "<b>9.40</b>" in drawn
    assert "/ 22.00" in drawn
    assert "42.7%" in drawn
    assert 'width="42.73%"' in drawn
    assert 'width="76.36%"' in drawn
    assert "正常" in drawn


def test_a_cell_above_the_target_ends_at_the_edge():
    drawn = draw("{% cell 'met' c t %}", c=D("13.5"), t=D(12))

    assert "112.5%" in drawn
    assert 'class="g-accepted" width="100%"' in drawn


def test_a_cell_without_a_task_is_a_dash():
    assert "—<span" in draw("{% cell None %}")
    assert "无任务" in draw("{% cell None %}")


@pytest.mark.parametrize("tag", ["chip 'met' v", "state 'met' v", "icon 'met' v", "cell 'met' 1 2 label=v"])
def test_what_is_drawn_once_for_a_safe_text_is_not_given_for_one_that_is_not(tag):
    assert "<i>done" in draw(f"{{% {tag} %}}", v=mark_safe("<i>done</i>"))
    assert "<i>done" not in draw(f"{{% {tag} %}}", v="<i>done</i>")


def test_a_ladder_marks_the_level_that_counts():
    drawn = draw("{% ladder r target=t %}", r=[("镇级", D("52.3")), ("市级认定", D(32), True)], t=D(101))

    assert drawn.count("data-counted") == 1
    assert "51.78%" in drawn
    assert "31.68%" in drawn


def test_a_ladder_row_without_fact_is_a_dash():
    assert "—" in draw("{% ladder r %}", r=[{"label": "区级", "area": None}])


def test_the_year_line_is_also_a_list():
    marks = [
        Thing(on=date(2023, 12, 31), title="统一时点"),
        {"on": date(2023, 8, 30), "title": "整改", "state": "overdue"},
    ]
    drawn = draw("{% year_line m today %}", m=marks, today=date(2023, 9, 12))

    assert "今天 09-12" in drawn
    assert '<svg class="year"' in drawn
    assert drawn.index('datetime="2023-08-30"') < drawn.index('datetime="2023-12-31"')
    assert '<li data-back><time datetime="2023-08-30">2023-08-30</time>整改<p>逾期</p></li>' in drawn


def test_a_year_without_milestones_says_why():
    assert "没有时间节点" in draw("{% year_line m %}", m=[])


@pytest.mark.parametrize(("value", "shown"), [("71", 71), (D("140"), 100), (0, 0)])
def test_progress_is_announced(value, shown):
    assert f'aria-valuenow="{shown}"' in draw("{% progress v %}", v=value)


def test_progress_that_nobody_knows_has_no_number():
    assert "aria-valuenow" not in draw("{% progress None %}")


def test_pagination_keeps_the_other_parameters(rf):
    page = Paginator(range(480), 20).page(5)
    drawn = draw("{% pagination p '处' %}", p=page, request=rf.get("/x", {"division": "某村&x", "page": "3"}))

    assert "第 81–100 处" in drawn
    assert "共 480 处" in drawn
    assert "page=6" in drawn
    assert "page=3" not in drawn
    assert "division=%E6%9F%90%E6%9D%91%26x&amp;" in drawn
    assert 'aria-current="page">5<' in drawn


def test_one_page_needs_no_numbers(rf):
    drawn = draw("{% pagination p %}", p=Paginator([], 20).page(1), request=rf.get("/"))

    assert "共 0 个" in drawn
    assert "<ul>" not in drawn


def test_small_components_show_their_values():
    drawn = draw(
        "{% tally t %}{% facts f %}{% receipt 'XH-1' f %}{% stepper s 2 %}{% trail r %}{% empty '没有' '原因' %}"
        "{{ c|codes }}{% swatch 'planted' %}{% swatch 'target' %}{% legend %}",
        t=[("要改", 2, "格", "risk")],
        f={"单位": "双永村", "备注": None},
        s=["填写", ("上传", "今天")],
        r=[{"on": date(2024, 8, 6), "title": "退回", "turn": "back"}],
        c=["A1", "B2"],
    )

    assert '<dd class="text-risk">2<span class="unit">格</span></dd>' in drawn
    assert "<dt>备注</dt><dd>—</dd>" in drawn
    assert '<p class="receipt__no">XH-1</p>' in drawn
    assert '<li aria-current="step"><b>上传' in drawn
    assert "data-back" in drawn
    assert drawn.count("code--line") == 2
    assert "不可整改" in drawn


def test_a_field_ties_hint_and_errors_to_its_control():
    class Example(Form):
        area = DecimalField(label="面积（亩）", help_text="本批数", min_value=0)
        note = CharField(label="备注", required=False)

    form = Example({"area": "-1"})
    drawn = draw("{% field f.area %}{% field f.note %}", f=form)

    assert 'aria-invalid="true"' in drawn
    assert 'aria-describedby="id_area-hint id_area-error"' in drawn
    assert 'id="id_area-error"' in drawn
    assert "备注<span" in drawn
    assert "（可空）" in drawn


@pytest.mark.parametrize(
    "source",
    [
        "{% chip 'met' v %}",
        "{% chip v %}",
        "{% state v %}",
        "{% icon 'met' v %}",
        "{% bullet s t v %}",
        "{% bullet_key s %}",
        "{% bullet_units 1 2 v %}",
        "{% cell 'met' t t label=v url=v %}",
        "{% ladder rows %}",
        "{% year_line marks %}",
        "{% progress 5 v %}",
        "{% empty v v %}",
        "{% tally pairs %}",
        "{% facts pairs %}",
        "{% receipt v pairs v %}",
        "{% stepper steps 1 %}",
        "{% trail marks %}",
        "{{ v|codes }}",
        "{{ v|unit }}",
        "{% swatch v %}",
    ],
)
def test_hostile_text_stays_text(source):
    mark = {"on": date(2023, 8, 6), "title": HOSTILE, "note": HOSTILE, "text": HOSTILE, "url": HOSTILE}
    drawn = draw(
        source,
        v=HOSTILE,
        s=[(HOSTILE, D(1))],
        t=D(2),
        rows=[(HOSTILE, D(1))],
        marks=[mark],
        pairs=[(HOSTILE, HOSTILE)],
        steps=[(HOSTILE, HOSTILE)],
    )

    assert "<script" not in drawn
    assert not re.search(r'="[^"]*<', drawn)
