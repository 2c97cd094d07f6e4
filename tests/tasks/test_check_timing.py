"""C09 on plans of a few lines."""

import pytest

from tests.tasks.small_plans import HEAD, ledger, remarks

UNDATED = HEAD.replace("issued_on: 2025-03-10\n", "").replace("2025年", "")


def phase(printed: str, first: str, last: str, more: str = "") -> str:
    month = first[5:7]
    dates = f"from: {first}, to: {last}"
    return f"  - {{key: p{month}, name: {month}月起, printed: {printed}, clause: 四, {dates}{more}}}\n"


@pytest.mark.parametrize(
    ("due", "severity", "computed"),
    [
        pytest.param("2025.1.31", "error", "早于印发日期 2025-03-10，早 38 天", id="past"),
        pytest.param("2025年2月30日", "error", "不是可用的日期", id="no such day"),
        pytest.param("2025年9月1日至8月1日", "error", "不是可用的日期", id="ends before it begins"),
        pytest.param("/", "warning", "缺整改时限", id="slash"),
        pytest.param("", "warning", "缺整改时限", id="empty"),
        pytest.param("8月31日", "warning", "缺年份", id="no year"),
    ],
)
def test_a_deadline_in_a_ledger_that_cannot_be_kept_or_is_missing(due, severity, computed):
    (found,) = remarks("C09", ledger(f"due: '{due}', location: 柳村"))
    assert (found.severity, found.place, found.computed) == (severity, "附件2 第1行", computed)
    assert found.stated == (due or "空白")


@pytest.mark.parametrize(
    "due", ["2025.9.30", "2025年9月底", "立即", "按照问题台账整改时限", "即日起至2025年6月30日", "2025-03-10"]
)
def test_a_deadline_that_can_be_kept_is_left_alone(due):
    assert not remarks("C09", ledger(f"due: '{due}'"))


def test_a_target_and_a_rule_have_deadlines_too():
    text = """
    targets:
      - {key: a, kind: restoration, comparison: gte, amount: 1, unit: mu, due_on: 2025-01-31, clause: 一}
      - {key: b, kind: non_grain, comparison: gte, amount: 1, unit: mu, due_on: 2025-12-31, clause: 一}
    rules:
      - {key: r, purpose: measure, when: [], then: {measure: restore, due: 2月28日前}, clause: 二}
      - {key: s, purpose: measure, when: [], then: {measure: restore, due: 立即}, clause: 二}
    """
    assert [(one.severity, one.place) for one in remarks("C09", text)] == [
        ("error", "一·耕地恢复补足·完成时限"),
        ("error", "二·2月28日前"),
    ]


def test_phases_that_share_one_day_follow_each_other_and_more_days_overlap():
    first = phase("4月15日至7月31日", "2025-04-15", "2025-07-31")
    assert not remarks("C09", "phases:\n" + first + phase("7月31日至11月30日", "2025-07-31", "2025-11-30"))
    (found,) = remarks("C09", "phases:\n" + first + phase("7月21日至11月30日", "2025-07-21", "2025-11-30"))
    assert (found.severity, found.computed) == ("warning", "重叠 11 天")


def test_a_span_without_its_dash_is_said():
    (found,) = remarks("C09", "phases:\n" + phase("2025年11月30日2025年12月31日", "2025-11-30", "2025-12-31"))
    assert found.computed == "起止日期之间缺“至”"


def test_from_today_needs_a_day_of_issue():
    text = "phases:\n  - {key: p, name: 一, printed: 即日起至2025年11月30日, clause: 四, to: 2025-11-30}\n"
    (found,) = remarks("C09", text, UNDATED)
    assert "没有印发日期" in found.computed
    assert not remarks("C09", text.replace("to:", "from: 2025-03-10, to:"))


def test_a_date_without_a_year_is_said_where_title_and_issue_give_none():
    text = "milestones: [{key: m, name: 复耕, printed: 6月9日前, on: 2025-06-09, clause: 二}]"
    (found,) = remarks("C09", text, UNDATED)
    assert found.severity == "warning"
    assert "没有年份" in found.computed
    assert not remarks("C09", text)


@pytest.mark.parametrize(
    ("stone", "word"),
    [
        pytest.param("printed: 10月15日, on: 2025-10-15", "不在“04月起”", id="outside its phase"),
        pytest.param("printed: 第3旬", "没有日期", id="no date"),
        pytest.param("printed: 7月1日, on: 2025-07-01, targets: [a]", "晚于耕地恢复补足的时限 2025-06-30", id="late"),
        pytest.param("printed: 5月1日, on: 2025-05-01", "", id="inside"),
        pytest.param("printed: 每年10月31日前, on: 2025-10-31, repeats: 每年", "", id="yearly"),
        pytest.param("printed: 即时布置", "", id="at once"),
        pytest.param(
            "printed: 7月1日, on: 2025-07-01, targets: [a], rung: county_accepted", "", id="acceptance after"
        ),
    ],
)
def test_a_milestone_belongs_to_its_phase_and_to_the_deadline_of_its_target(stone, word):
    text = (
        "targets: [{key: a, kind: restoration, comparison: gte, amount: 1, unit: mu,"
        " due_on: 2025-06-30, clause: 一}]\nphases:\n"
        + phase("4月15日至7月31日", "2025-04-15", "2025-07-31", f", milestones: [{{key: m, name: 节点, {stone}}}]")
    )
    found = remarks("C09", text)
    assert [one.severity for one in found] == (["warning"] if word else [])
    assert not found or word in found[0].computed


def test_a_step_that_was_over_at_the_issue_is_a_question_and_no_error():
    (found,) = remarks("C09", "milestones: [{key: m, name: 设计, printed: 2月底前, on: 2025-02-28, clause: 五}]")
    assert (found.severity, found.place) == ("warning", "五·设计·已过")


def test_one_meeting_with_two_frequencies_is_said():
    text = """
    cadences:
      - {key: a, name: 调度会, every: 半月, topic: 调度, clause: 三}
      - {key: b, name: 调度会, every: 每季度, topic: 调度, clause: 四}
      - {key: c, name: 专题会, every: 每半年, topic: 专题, clause: 四}
    """
    assert [one.place for one in remarks("C09", text)] == ["四·调度会"]


DUE = (
    "targets: [{{key: r, kind: restoration, comparison: gte, amount: 1, unit: mu, clause: 一,"
    " due_on: 2025-10-31, due_printed: {}}}]"
)


@pytest.mark.parametrize(
    ("printed", "severity"),
    [
        ("10月底前", ""),
        ("2025年10月31日", ""),
        ("10月", ""),
        ("9月1日至10月31日", ""),
        ("10月1日至31日", ""),
        ("年底前", ""),
        ("9月30日", "warning"),
        ("2024年10月31日", "warning"),
        ("10月32日", "error"),
        ("2月30日前", "error"),
    ],
)
def test_a_due_day_is_held_against_the_words_it_was_read_from(printed, severity):
    found = [one for one in remarks("C09", DUE.format(printed)) if one.place.endswith("·时限原文")]
    assert [one.severity for one in found] == ([severity] if severity else [])


def test_a_milestone_is_held_against_its_words_but_not_against_remarks_in_brackets():
    text = "milestones: [{{key: a, name: 种, printed: {}, on: 2025-10-31, clause: 三}}]"
    assert not remarks("C09", text.format("有序整改（预计9月底下发）"))
    assert not remarks("C09", text.format("8月底前翻耕，10月底前种植"))
    (found,) = remarks("C09", text.format("9月底前种植"))
    assert (found.severity, found.computed) == ("warning", "登记为 2025-10-31")
    (wrong,) = remarks("C09", text.format("10月34日前种植"))
    assert wrong.severity == "error"
