"""C16 to C19 on plans of a few lines."""

import pytest

from tasks.check.wording import numbered
from tests.tasks.small_plans import ledger, remarks


def outline(*numbers: str) -> str:
    items = "\n".join(f"      - {{number: '{number}', title: 内容}}" for number in numbers)
    return f"outline:\n  - number: 一、\n    title: 目标\n    items:\n{items}\n"


@pytest.mark.parametrize(
    ("text", "value"),
    [("一、", 1), ("十二", 12), ("（四）", 4), ("(四)", 4), ("4.", 4), ("４．", 4), ("4、", 4), ("4", 4), ("（4）", 4),
     ("4）", 4), ("④", 4), ("四是", 4), ("第四", 4)],
)  # fmt: skip
def test_numbers_are_read_as_they_are_printed(text, value):
    assert numbered(text).value == value


@pytest.mark.parametrize("text", ["", "附件", "2024年", "甲"])
def test_words_are_no_numbers(text):
    assert numbered(text) is None


@pytest.mark.parametrize(
    ("numbers", "computed"),
    [
        pytest.param(("（一）", "（二）", "（三）", "（五）"), "缺 （四）", id="gap"),
        pytest.param(("1.", "2.", "4."), "缺 3.", id="gap in digits"),
        pytest.param(("①", "④"), "缺 ②③", id="two missing"),
        pytest.param(("（二）", "（三）"), "缺 （一）", id="first missing"),
        pytest.param(("1.", "2.", "2."), "序号重复", id="repeat"),
        pytest.param(("一是", "二是", "一是"), "序号重复", id="begins again"),
    ],
)
def test_a_gap_or_a_repeat_among_siblings_is_said(numbers, computed):
    (found,) = remarks("C16", outline(*numbers))
    assert (found.severity, found.computed) == ("warning", computed)


@pytest.mark.parametrize(
    "numbers",
    [
        ("（一）", "（二）"),
        ("1", "2", "3"),
        ("一是", "二", "三是"),
        ("（一）", "1.", "（二）", "2."),
        ("", "", ""),
        ("（1）", "（2）"),
    ],
)
def test_numbers_in_order_are_left_alone(numbers):
    assert not remarks("C16", outline(*numbers))


def test_every_level_counts_for_itself():
    text = """
    outline:
      - {number: 一、, title: 甲, items: [{number: （一）, title: 子}, {number: （二）, title: 子}]}
      - {number: 二、, title: 乙, items: [{number: （一）, title: 子}, {number: （三）, title: 子}]}
    """
    assert [one.place for one in remarks("C16", text)] == ["二（三）"]


def test_an_annex_that_is_named_has_to_be_there():
    text = """
    annexes: [{number: "1", title: 分解表}, {number: "2", title: 方案, present: no}]
    duties: [{topic: 甲, holder: 各村, holder_kind: villages, quote: 见附件1和附表3, clause: 二}]
    """
    assert [one.place for one in remarks("C16", text)] == ["附件2", "附表3"]


def test_an_unnumbered_annex_is_not_number_one():
    text = "annexes: [{number: 附件, title: 表}]\noutline: [{number: 一、, title: 目标, quote: （见附表1）}]"
    (found,) = remarks("C16", text)
    assert found.computed == "附件没有编号"


OFFICES = """
offices:
  - {name: 专班, kind: task_force, hosted_by: 农业办, members: [镇农业办, 司法所, 水务站, 镇长]}
  - {name: 农业办, aliases: [农业农村办公室]}
  - {name: 司法所}
  - {name: 水务站}
  - {name: 县局, kind: bureau, external: yes}
"""


def test_a_member_without_a_duty_and_a_duty_without_an_office_are_said():
    text = (
        OFFICES
        + "duties: [{topic: 水, holder: 水务站, clause: 五}, {topic: 钱, role: fund, holder: 财政所, clause: 六}]"
    )
    assert [(one.place, one.computed) for one in remarks("C17", text)] == [
        ("司法所", "没有职责"),
        ("财政所", "列出的单位中没有"),
    ]


def test_duties_of_all_villages_and_posts_need_no_office():
    text = """
    duties:
      - {topic: 甲, holder: 各村, clause: 五}
      - {topic: 甲, holder: 镇长, holder_kind: post, clause: 五}
      - {topic: 甲, holder: 其他部门, clause: 五}
    """
    assert not remarks("C17", text)


def duties(*rows: str) -> str:
    return OFFICES + "duties:\n" + "".join(f"  - {{topic: 验收, {row}}}\n" for row in rows)


def test_one_duty_with_two_leads_is_said_under_all_names():
    text = duties("role: lead, holder: 农业办, clause: 四", "role: lead, holder: 司法所, clause: 七")
    (found,) = remarks("C18", text)
    assert (found.place, found.stated) == ("四·验收", "农业办、司法所")
    assert not remarks(
        "C18", duties("role: lead, holder: 农业办, clause: 四", "role: lead, holder: 农业农村办公室, clause: 七")
    )
    assert not remarks("C18", duties("role: lead, holder: 农业办, clause: 四", "holder: 司法所, clause: 七"))


def test_a_variant_of_a_word_is_noted_once_with_its_places():
    text = ledger("source: 一本帐", "source: 一本帐", "source: 一本账, measure: 编制进出平横方案")
    found = remarks("C19", text)
    assert [one.place for one in found] == ["“一本帐”", "“进出平横”"]
    assert found[0].clause == "附件2 第1、2行"


def test_an_office_printed_under_two_names_is_noted_but_not_for_the_town_before_it():
    text = OFFICES + "duties: [{topic: 甲, holder: 农业农村办公室, clause: 五}]"
    (found,) = remarks("C19", text)
    assert (found.severity, found.place) == ("note", "农业办")
    assert not remarks("C19", OFFICES + "duties: [{topic: 甲, holder: 清溪镇农业办, clause: 五}]")


def test_names_of_an_office_come_with_their_clauses_and_no_count():
    (found,) = remarks("C19", OFFICES + "duties: [{topic: 甲, holder: 农业农村办公室, clause: 五}]")
    assert "（五）" in found.message
    assert " 处" not in found.message


@pytest.mark.parametrize(("other", "told"), [("成林成园", 1), ("成片", 0)])
def test_two_right_spellings_are_noted_only_where_both_are_used(other, told):
    found = remarks("C19", ledger("note: 成园成林地块", f"note: {other}地块"))
    assert len(found) == told
    assert all(one.computed == "文中也写“成林成园”" and "混用" in one.message for one in found)


def test_an_annex_without_a_number_is_said_to_be_referred_to():
    (found,) = remarks("C16", "annexes: [{number: 附件, title: 问题台账, present: no}]")
    assert found.message == "文中引用了《问题台账》，但没有附上，请补附。"
    (listed,) = remarks("C16", "annexes: [{number: 附件1, title: 分解表, present: no}]")
    assert listed.message == "文中列有附件1《分解表》，但没有附上，请补附。"
