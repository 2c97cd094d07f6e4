"""Odd YAML is answered with line and path, never with a traceback."""

import pytest

from farmland.lib.documents import DocumentError, read
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
        pytest.param("rules:\n- key: a\n  when: &a [*a]", "第 1 行 文件：文件中有引用绕回了自己", id="a loop"),
        pytest.param("title: a\ntitle: b", "第 2 行 title：“title”写了两次。", id="twice"),
        pytest.param("nonsense: 1", "第 1 行 nonsense：没有名为“nonsense”的项", id="unknown"),
        pytest.param("year: 2024.5", "第 1 行 year：“2024.5”不是整数。", id="no integer"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(source, expected):
    assert any(problem.startswith(expected) for problem in problems(source)), problems(source)


def test_all_mistakes_come_at_once_in_order_of_lines():
    found = problems("format: 2\nyear: x\nissued_on: 2024-13-01\ntargets:\n- {key: a}")
    lines = [int(line.split(" ")[1]) for line in found]
    assert lines == sorted(lines)
    assert [line for line in found if " year" in line] == ["第 2 行 year：“x”不是整数。"]
    assert any(line.startswith("第 3 行 issued_on：“2024-13-01”不是日期") for line in found)
    assert any(line.startswith("第 5 行 targets[0].kind：缺少“kind”") for line in found)
