"""C01, C02, C03, C05, C06 on plans of a few lines."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farmland.lib.area import rounded
from tests.tasks.small_plans import TREE, ledger, remarks

TARGET = """
targets:
  - {key: restoration, kind: restoration, comparison: gte, amount: 446, unit: mu, clause: 一}
"""


def said(*rows: str) -> str:
    return "\nstatements:\n" + "\n".join(f"  - {{{row}}}" for row in rows) + "\n"


def test_two_figures_for_one_target_are_an_error_at_the_one_that_differs():
    (found,) = remarks(
        "C01",
        TARGET
        + said(
            "key: restoration, clause: 一, printed: 446亩以上, value: 446, unit: 亩, target: restoration",
            "key: restoration, clause: 二（一）, printed: 466亩以上, value: 466, unit: 亩, target: restoration",
        ),
    )
    assert (found.severity, found.place, found.stated) == ("error", "二（一）·466亩以上", "466亩")
    assert "446亩" in found.computed
    assert "相差20亩" in found.message


def test_without_a_target_the_figure_printed_most_often_is_the_measure():
    rows = [
        f"key: a, clause: {clause}, printed: 数, value: {value}, unit: 亩"
        for clause, value in {"一": 3, "二": 5, "三": 3}.items()
    ]
    assert [one.clause for one in remarks("C01", said(*rows))] == ["二"]


@pytest.mark.parametrize(
    "second",
    [
        pytest.param("value: 446, unit: 亩", id="same"),
        pytest.param("value: 446.00, unit: 亩", id="trailing zeros"),
        pytest.param("value: 0.0446, magnitude: 万, unit: 亩", id="in ten thousands"),
        pytest.param("value: 29.7333, unit: 公顷, approximate: yes", id="about, in hectares"),
        pytest.param("value: 450, unit: 亩, approximate: yes", id="about"),
        pytest.param("value: 297333.3333, unit: 平方米, approximate: yes", id="about, in square metres"),
    ],
)
def test_the_same_figure_in_other_words_is_no_contradiction(second):
    first = "key: a, clause: 一, printed: 甲, value: 446, unit: 亩"
    assert not remarks("C01", said(first, first, f"key: a, clause: 二, printed: 乙, {second}"))


def test_about_is_not_anything_at_all():
    first = "key: a, clause: 一, printed: 甲, value: 446, unit: 亩"
    assert remarks(
        "C01", said(first, first, "key: a, clause: 二, printed: 乙, value: 500, unit: 亩, approximate: yes")
    )


def test_a_village_with_fewer_ledger_rows_than_issues_in_the_split_contradicts_it():
    text = ledger("responsible: 柳村", "responsible: 柳树村") + (
        "\ntargets: [{key: illegal_use, kind: illegal_use, comparison: eq, amount: 0, unit: count, clause: 三}]"
        "\nsplits: [{target: illegal_use, clause: 附件1,"
        " rows: [{division: 柳村, amount: 2}, {division: 松村, amount: 1}]}]"
    )
    (found,) = remarks("C01", text)
    assert found.place == "附件1·违法违规占用耕地·松村"
    assert found.computed == "附件2有 0 行"


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        pytest.param("printed: 333万以上, value: 333, magnitude: 万", "只写了“万”，没有单位", id="magnitude only"),
        pytest.param("printed: 333以上, value: 333", "没有单位", id="no unit"),
        pytest.param("printed: 333万亩, value: 333, magnitude: 万, unit: 亩", "相差一万倍", id="magnitude too much"),
        pytest.param("printed: 333个, value: 333, unit: 个", "不能折算", id="another unit"),
    ],
)
def test_a_lost_unit_or_magnitude_is_an_error_and_not_a_second_figure(statement, word):
    text = said(
        f"key: a, clause: 三, {statement}",
        "key: a, clause: 四, printed: 333亩, value: 333, unit: 亩",
        "key: a, clause: 五, printed: 333亩, value: 333, unit: 亩",
    )
    (found,) = remarks("C06", text)
    assert found.severity == "error"
    assert found.clause == "三"
    assert word in found.message
    assert "四、五写的是333亩" in found.message
    assert not remarks("C01", text)


def test_a_figure_with_its_unit_has_lost_nothing():
    assert not remarks("C06", said("key: a, clause: 一, printed: 18亿亩, value: 18, magnitude: 亿, unit: 亩"))


def parts(total: str) -> str:
    return said(
        f"key: total, clause: 一, printed: 共{total}亩, value: {total}, unit: 亩, is: a + b",
        "key: a, clause: 一, printed: 283亩, value: 283, unit: 亩",
        "key: b, clause: 一, printed: 2亩, value: 2.0, unit: 亩",
    )


def test_a_printed_sum_is_held_against_its_parts():
    assert not remarks("C02", parts("285"))
    (found,) = remarks("C02", parts("286"))
    assert found.computed == "283 + 2 = 285亩"
    assert not remarks("C05", parts("286"))


def test_a_sum_of_printed_parts_is_exact_even_where_the_total_is_printed_short():
    text = parts("285").replace("value: 283,", "value: 283.4,")
    assert [one.computed for one in remarks("C02", text)] == ["283.4 + 2 = 285.4亩"]
    assert not remarks("C02", text.replace("is: a + b", "is: a + b, places: 0"))


def test_a_sum_takes_the_figures_of_its_own_clause():
    text = parts("285") + "  - {key: a, clause: 五, printed: 300亩, value: 300, unit: 亩}\n"
    assert not remarks("C02", text)


def tree(parent: str) -> str:
    return f"""
    targets:
      - {{key: p, kind: non_grain, rule: every, comparison: gte, amount: {parent}, unit: mu, clause: 三}}
      - {{key: a, kind: abandonment, parent: p, comparison: gte, amount: 283, unit: mu, clause: 三}}
      - {{key: b, kind: restructure, parent: p, comparison: gte, amount: 2, unit: mu, clause: 三}}
      - {{key: c, kind: reforestation, parent: p, comparison: gte, amount: 7.5, unit: mu, clause: 三}}
    """


def test_children_add_up_to_their_parent():
    assert not remarks("C02", tree("292.5"))
    (found,) = remarks("C02", tree("292.6"))
    assert (found.stated, found.computed) == ("292.6亩", "283 + 2 + 7.5 = 292.5")


def derived(key: str, value: str, unit: str, formula: str, more: str = "") -> str:
    return said(
        "key: quota, clause: 一, printed: 任务, value: 16057.05, unit: 亩",
        "key: actual, clause: 一, printed: 实际, value: 15995.15, unit: 亩",
        "key: task, clause: 一, printed: 任务, value: 101, unit: 亩",
        "key: done, clause: 一, printed: 完成, value: 32, unit: 亩",
        f"key: {key}, clause: 一, printed: 结果, value: {value}, unit: '{unit}', is: {formula}{more}",
    )


@pytest.mark.parametrize(
    ("value", "unit", "formula", "expected"),
    [
        pytest.param("62.35", "亩", "quota - actual", "61.90亩", id="gap"),
        pytest.param("31.76", "%", "done / task", "31.68%", id="share"),
        pytest.param("61.91", "亩", "quota - actual", "61.90亩", id="a hundredth"),
        pytest.param("62.00", "亩", "quota - actual", "61.90亩", id="printed with two decimals"),
    ],
)
def test_a_difference_or_a_percentage_that_is_not_so_is_an_error(value, unit, formula, expected):
    (found,) = remarks("C05", derived("x", value, unit, formula))
    assert found.computed.endswith(expected)
    assert found.severity == "error"


@pytest.mark.parametrize(
    ("value", "unit", "formula", "more"),
    [
        pytest.param("61.9", "亩", "quota - actual", "", id="exact"),
        pytest.param("61.90", "亩", "quota - actual", "", id="with its zero"),
        pytest.param("62", "亩", "quota - actual", "", id="rounded half up to the printed decimals"),
        pytest.param("31.68", "%", "done / task", "", id="share"),
        pytest.param("31.7", "%", "done / task", "", id="share at one decimal"),
        pytest.param("32", "%", "done / task", ", places: 0", id="share at no decimal"),
        pytest.param("31", "%", "done / task", ", approximate: yes", id="about"),
        pytest.param("5", "亩", "quota - nothing_of_the_kind", "", id="a figure that is not there"),
        pytest.param("5", "亩", "quota / (task - task)", "", id="no division by nothing"),
    ],
)
def test_a_result_that_agrees_at_its_printed_decimals_is_left_alone(value, unit, formula, more):
    assert not remarks("C05", derived("x", value, unit, formula, more))


def split(total: str, potential: str = "314.91") -> str:
    return f"""
    {TREE.strip().replace(chr(10), chr(10) + "    ")}
    targets: [{{key: r, kind: restoration, comparison: gte, amount: 999, unit: mu, clause: 一}}]
    splits:
      - target: r
        clause: 附件
        printed_total: {total}
        printed_potential: {potential}
        rows:
          - {{division: 柳村, amount: 115.17, potential: 273.41}}
          - {{division: 松村, stated: /, potential: 41.50}}
    """


def test_a_split_is_held_against_its_own_total_and_not_against_the_target():
    assert not remarks("C03", split("115.17"))
    (found,) = remarks("C03", split("115.18"))
    assert (found.stated, found.computed, found.severity) == ("115.18亩", "115.17亩", "error")


def test_the_potential_column_has_a_total_of_its_own():
    (found,) = remarks("C03", split("115.17", "315"))
    assert found.place == "附件·耕地恢复补足·潜力合计"


AMOUNTS = st.lists(st.decimals("0.0001", "99999", places=4), min_size=1, max_size=8)


@settings(max_examples=25, deadline=None)
@given(AMOUNTS, st.booleans())
def test_sums_are_exact_to_the_last_ten_thousandth(amounts, agrees):
    total = sum(amounts) + (0 if agrees else Decimal("0.0001"))
    rows = ", ".join(f"{{division: 柳村, amount: {amount:f}}}" for amount in amounts)
    text = (
        "targets: [{key: r, kind: restoration, comparison: gte, amount: 1, unit: mu, clause: 一}]\n"
        f"splits: [{{target: r, clause: 附件, printed_total: {total:f}, rows: [{rows}]}}]\n"
    )
    names = [f"a{number}" for number, _ in enumerate(amounts)]
    figures = [
        f"key: {name}, clause: 一, printed: 甲, value: {amount:f}, unit: 亩"
        for name, amount in zip(names, amounts, strict=True)
    ]
    whole = f"key: total, clause: 一, printed: 共, value: {total:f}, unit: 亩, is: {' + '.join(names)}"
    text += said(*figures, whole)
    assert len(remarks("C03", text)) == (not agrees)
    assert len(remarks("C02", text)) == (not agrees)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 10**6), st.integers(0, 4))
def test_a_share_printed_half_up_at_any_decimals_is_left_alone(part, whole, places):
    share = rounded(Fraction(part, whole) * 100, places)
    text = said(
        f"key: part, clause: 一, printed: 甲, value: {part}, unit: 亩",
        f"key: whole, clause: 一, printed: 乙, value: {whole}, unit: 亩",
        f"key: share, clause: 一, printed: 占, value: {share:f}, unit: '%', places: {places}, is: part / whole",
    )
    assert not remarks("C05", text)


AREAS = """
divisions:
  - {name: 东片, kind: area, divisions: [{name: 柳村, kind: village}, {name: 松村, kind: village}]}
  - {name: 杨村, kind: village}
targets: [{key: r, kind: restoration, comparison: gte, amount: 30, unit: mu, clause: 一}]
splits:
  - target: r
    clause: 附件
    printed_total: 30
    rows: [{division: 东片, amount: %s}, {division: 柳村, amount: 8}, {division: 松村, amount: 12}, %s]
"""


def test_the_subtotal_of_an_area_is_not_added_once_more():
    assert not remarks("C03", AREAS % ("20", "{division: 杨村, amount: 10}"))


def test_a_subtotal_that_is_not_the_sum_of_its_villages_is_an_error_of_its_own():
    found = remarks("C03", AREAS % ("21", "{division: 杨村, amount: 9}"))
    assert [(one.place, one.stated, one.computed) for one in found] == [
        ("附件·耕地恢复补足·合计·东片", "21亩", "20亩"),
    ]


def test_an_area_whose_villages_are_not_all_given_is_not_judged():
    text = AREAS.replace(", {division: 松村, amount: 12}", "")
    assert not remarks("C03", text % ("20", "{division: 杨村, amount: 10}"))


def test_villages_count_where_the_row_of_their_area_is_blank():
    assert not remarks("C03", AREAS.replace("amount: %s}", "stated: %s}") % ("/", "{division: 杨村, amount: 10}"))


def test_a_lost_thousand_is_told_like_a_lost_ten_thousand():
    text = said(
        "key: a, clause: 一, printed: 3千亩, value: 3, magnitude: 千, unit: 亩",
        "key: a, clause: 二, printed: 3000亩, value: 3000, unit: 亩",
        "key: a, clause: 三, printed: 3亩, value: 3, unit: 亩",
    )
    (lost,) = remarks("C06", text)
    assert (lost.clause, lost.computed) == ("三", "应为3,000亩")
    assert not remarks("C01", text)
