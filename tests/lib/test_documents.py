"""Odd YAML is answered with line and path, never with a traceback."""

import pytest

from farmland.lib.documents import DocumentError, read, read_partly, text_of
from tasks.plan.document import PlanDoc


def problems(source: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        read(source, PlanDoc)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("", "第 1 行 文件：文件是空的。", id="empty"),
        pytest.param("- a", "第 1 行 文件：应为一组“键: 值”。", id="a list"),
        pytest.param("title: [", "第 2 行 文件：不是合法的 YAML", id="cut"),
        pytest.param("a: b: c", "第 1 行 文件：不是合法的 YAML", id="two colons"),
        pytest.param("format: 1\n? {a: b}\n: c", "第 2 行 文件：应为一个名称（冒号左边）。", id="a mapping as key"),
        pytest.param(
            "rules:\n- {key: a, purpose: scope, when: {? [a]: b}}",
            "第 2 行 rules[0].when：应为一个名称（冒号左边）。",
            id="a list as key in free text",
        ),
        pytest.param("rules:\n- key: a\n  when: &a [*a]", "第 3 行 文件：不能用引用（&、*）：“a”", id="a loop"),
        pytest.param("title: a\ntitle: b", "第 2 行 title：“title”写了两次。", id="twice"),
        pytest.param("nonsense: 1", "第 1 行 nonsense：没有名为“nonsense”的项", id="unknown"),
        pytest.param("year: 2024.5", "第 1 行 year：“2024.5”不是年份", id="no year"),
        pytest.param("year: 2201", "第 1 行 year：“2201”不是年份，应为 1990 至 2100", id="a year to come"),
        pytest.param("year: ２０２４", "第 1 行 year：“２０２４”不是年份", id="full-width digits"),
        pytest.param("issued_on: 20240310", "第 1 行 issued_on：“20240310”不是日期", id="a date without hyphens"),
        pytest.param("issued_on: 2024-W10-1", "第 1 行 issued_on：“2024-W10-1”不是日期", id="a week"),
        pytest.param("issued_on: 0224-03-10", "第 1 行 issued_on：“0224-03-10”的年份", id="a year long ago"),
        pytest.param("targets: [{amount: -3}]", "第 1 行 targets[0].amount：应不小于 0", id="negative"),
        pytest.param("year: 2024\n\ttitle: a", "第 2 行 文件：不是合法的 YAML：这一行有制表符", id="tab"),
        pytest.param("title: a\nissuer: b\x00", "第 2 行 文件：有不能显示的字符（U+0000）", id="NUL"),
        pytest.param("title: [a, b\nyear: 2", "第 2 行 文件：不是合法的 YAML：括号没有成对", id="bracket"),
        pytest.param("title: a\n---\ntitle: b", "第 2 行 文件：文件里有两份内容", id="two documents"),
        pytest.param("rules: " + "[" * 30_000, "第 1 行 文件：嵌套超过 40 层", id="nested without end"),
        pytest.param("title: a\nbasis: [" + "a," * 200_001 + "]", "第 2 行 文件：内容超过", id="too many nodes"),
        pytest.param("title: " + "a" * 2_000_001, "第 1 行 文件：文件超过 2 MB", id="too long"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(source, expected):
    assert any(problem.startswith(expected) for problem in problems(source)), problems(source)


def test_all_mistakes_come_at_once_in_order_of_lines():
    found = problems("format: 2\nyear: x\nissued_on: 2024-13-01\ntargets:\n- {key: a}")
    lines = [int(line.split(" ")[1]) for line in found]
    assert lines == sorted(lines)
    assert [line for line in found if " year" in line] == [
        "第 2 行 year：“x”不是年份，应为 1990 至 2100 之间的四位数字。"
    ]
    assert any(line.startswith("第 3 行 issued_on：“2024-13-01”不是日期") for line in found)
    assert any(line.startswith("第 5 行 targets[0].kind：缺少“kind”") for line in found)


def test_references_are_refused_before_they_multiply():
    bomb = "rules:\n- key: a\n  when: &a [x, x, x, x, x, x, x, x, x]\n"
    names = "abcdefghij"
    for name, below in zip(names[1:], names, strict=False):
        bomb += f"- {{key: {name}, when: &{name} [{', '.join([f'*{below}'] * 9)}]}}\n"
    assert problems(bomb)[0] == "第 3 行 文件：不能用引用（&、*）：“a”，请把内容照写一遍。"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("title: a\nissuer: 某县".encode("gbk"), "第 2 行 文件：不是 UTF-8 编码（可能是 GBK）"),
        ("title: 某县".encode("utf-16"), "第 1 行 文件：文件是 UTF-16 编码"),
        (b"#" * 2_000_001, "第 1 行 文件：文件超过 2 MB"),
    ],
)
def test_a_file_in_another_encoding_or_too_large_is_named(tmp_path, raw, expected):
    file = tmp_path / "plan.yaml"
    file.write_bytes(raw)
    with pytest.raises(DocumentError) as caught:
        text_of(file)
    assert str(caught.value).startswith(expected)


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    file = tmp_path / "plan.yaml"
    file.write_text("title: 某县", encoding="utf-8-sig")
    assert text_of(file) == "title: 某县"


def test_what_can_be_read_of_a_wrong_document_is_kept():
    doc, wrong, lost = read_partly("year: x\ntitle: 方案\ntargets: [{key: a, amount: -1}]", PlanDoc)
    assert (doc.title, doc.year, doc.targets[0].key, lost) == ("方案", None, "a", False)
    assert {one.path for one in wrong} >= {"year", "targets[0].amount", "targets[0].kind"}
    assert read_partly("targets: all", PlanDoc)[2]
