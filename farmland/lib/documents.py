"""YAML documents read into dataclasses, every scalar as text, every mistake with its line and path.

A document class is a dataclass whose fields are declared with the functions below. Reading never stops at the first
mistake: ``read`` collects all of them and raises one ``DocumentError``. No value passes through a float. What could
grow while it is read (references, endless nesting, a huge file) is refused before: ``farmland.lib.yaml_text``.
"""

import dataclasses
import datetime
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from farmland.lib.yaml_text import LOADER, Unreadable, decoded, examine

NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,4})?")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
FIRST_YEAR, LAST_YEAR = 1990, 2100
EMPTY = {"", "~", "null"}


@dataclass(frozen=True, order=True)
class Problem:
    line: int
    path: str
    message: str

    def __str__(self):
        return f"第 {self.line} 行 {self.path}：{self.message}"


class DocumentError(Exception):
    """All problems of one document, in order of their lines."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True)
class Node:
    """What every part of a document knows: where it stands."""

    line: int = field(default=0, kw_only=True, compare=False)
    path: str = field(default="", kw_only=True, compare=False)


Reader = Callable[["_Reading", yaml.Node, str], Any]


def _declare(reader: Reader, required: bool, default: Any):
    options = {"metadata": {"reader": reader, "required": required}, "kw_only": True}
    if isinstance(default, list | dict):
        return field(default_factory=type(default), **options)
    return field(default=default, **options)


def text(*, required: bool = False, pattern: str = "", hint: str = ""):
    """A text; absent is ""."""

    def read_text(reading, node, path):
        value = reading.scalar(node, path)
        if value and pattern and not re.fullmatch(pattern, value):
            reading.problem(node, path, f"“{value}”不符合格式，应为{hint or pattern}。")
        return value or ""

    return _declare(read_text, required, "")


def number(*, required: bool = False, least: int | None = None):
    """A Decimal of up to four decimals, not below ``least``; absent or empty is None."""

    def read_number(reading, node, path):
        value = reading.scalar(node, path)
        if value is None:
            return None
        if not NUMBER.fullmatch(value):
            reading.problem(node, path, f"“{value}”不是数，应为最多四位小数的数字，不带单位和逗号。")
            return None
        if least is not None and Decimal(value) < least:
            reading.problem(node, path, f"应不小于 {least}，现为 {value}。")
            return None
        return Decimal(value)

    return _declare(read_number, required, None)


def integer(*, required: bool = False):
    def read_integer(reading, node, path):
        value = reading.scalar(node, path)
        if value is None:
            return None
        if not re.fullmatch(r"-?[0-9]{1,9}", value):
            reading.problem(node, path, f"“{value}”不是整数。")
            return None
        return int(value)

    return _declare(read_integer, required, None)


def calendar_year(*, required: bool = False):
    """A year written 2024; absent or empty is None."""

    def read_year(reading, node, path):
        value = reading.scalar(node, path)
        if value is None:
            return None
        if not re.fullmatch(r"[0-9]{4}", value) or not FIRST_YEAR <= int(value) <= LAST_YEAR:
            reading.problem(node, path, f"“{value}”不是年份，应为 {FIRST_YEAR} 至 {LAST_YEAR} 之间的四位数字。")
            return None
        return int(value)

    return _declare(read_year, required, None)


def day(*, required: bool = False):
    """A date written 2024-10-31; absent or empty is None."""

    def read_day(reading, node, path):
        value = reading.scalar(node, path)
        if value is None:
            return None
        try:
            found = datetime.date.fromisoformat(value) if DAY.fullmatch(value) else None
        except ValueError:
            found = None
        if found is None:
            reading.problem(node, path, f"“{value}”不是日期，应写成 2024-10-31 的样子。")
        elif not FIRST_YEAR <= found.year <= LAST_YEAR:
            reading.problem(node, path, f"“{value}”的年份不在 {FIRST_YEAR} 至 {LAST_YEAR} 之间。")
            return None
        return found

    return _declare(read_day, required, None)


def flag(*, default: bool = False):
    def read_flag(reading, node, path):
        value = reading.scalar(node, path)
        if value not in {"yes", "no"}:
            reading.problem(node, path, f"“{value}”应为 yes 或 no。")
        return value == "yes"

    return _declare(read_flag, False, default)


def choice(*options: str, required: bool = False, default: str = ""):
    def read_choice(reading, node, path):
        value = reading.scalar(node, path)
        if value is not None and value not in options:
            reading.problem(node, path, f"“{value}”不在可选值中，应为 {'、'.join(options)} 之一。")
        return value or default

    return _declare(read_choice, required, default)


def words(*, required: bool = False):
    """A list of texts."""

    def read_words(reading, node, path):
        if not reading.expect(node, path, yaml.SequenceNode, "一个列表"):
            return []
        values = [reading.scalar(item, f"{path}[{i}]") for i, item in enumerate(node.value)]
        return [value for value in values if value]

    return _declare(read_words, required, [])


def part(cls, *, required: bool = False):
    """One nested document part; absent is None."""
    return _declare(lambda reading, node, path: reading.part(node, path, cls), required, None)


def parts(cls, *, required: bool = False):
    """A list of nested document parts. ``cls`` may be a function that returns the class (for trees)."""

    def read_parts(reading, node, path):
        if not reading.expect(node, path, yaml.SequenceNode, "一个列表"):
            return []
        kind = cls if isinstance(cls, type) else cls()
        found = [reading.part(item, f"{path}[{i}]", kind) for i, item in enumerate(node.value)]
        return [one for one in found if one is not None]

    return _declare(read_parts, required, [])


def free(*, required: bool = False):
    """Any nesting of lists, mappings and texts (conditions, lines of a rate), checked by its owner; absent is None."""
    return _declare(lambda reading, node, path: reading.plain(node, path), required, None)


def text_of(path: Path) -> str:
    """The YAML text of a file. DocumentError when its size or encoding is refused; OSError as it comes."""
    try:
        return decoded(path)
    except Unreadable as error:
        raise _refused(error) from error


def _refused(error: Unreadable) -> DocumentError:
    return DocumentError(Problem(line, "文件", message) for line, message in error.faults)


def read(source: str, cls):
    """Read ``source`` (YAML text) as ``cls``; raise DocumentError with every problem found."""
    document, problems, _ = read_partly(source, cls)
    if problems:
        raise DocumentError(problems)
    return document


def read_partly(source: str, cls) -> tuple[Any, list[Problem], bool]:
    """(the document without what could not be read, the problems, whether a whole part of it is missing).

    Raises DocumentError when there is no document at all.
    """
    try:
        examine(source)
        root = yaml.compose(source, Loader=LOADER)
    except Unreadable as error:
        raise _refused(error) from error
    if root is None:
        raise DocumentError([Problem(1, "文件", "文件是空的。")])
    reading = _Reading()
    document = reading.part(root, "", cls)
    if document is None:
        raise DocumentError(reading.problems)
    return document, reading.problems, reading.lost


class _Reading:
    def __init__(self):
        self.problems: list[Problem] = []
        self.lost = False  # a list or part could not be read: what names its members cannot be judged

    def problem(self, node: yaml.Node, path: str, message: str) -> None:
        self.problems.append(Problem(node.start_mark.line + 1, path or "文件", message))

    def expect(self, node: yaml.Node, path: str, kind: type, name: str) -> bool:
        if isinstance(node, kind):
            return True
        self.problem(node, path, f"应为{name}。")
        self.lost = self.lost or kind is not yaml.ScalarNode
        return False

    def scalar(self, node: yaml.Node, path: str) -> str | None:
        if not self.expect(node, path, yaml.ScalarNode, "一个值"):
            return None
        value = node.value.strip()
        return None if not node.style and value in EMPTY else value

    def entries(self, node: yaml.MappingNode, path: str) -> list[tuple[yaml.Node, yaml.Node]]:
        """The pairs of a mapping whose key is a word; the others are problems."""
        named = (pair for pair in node.value if self.expect(pair[0], path, yaml.ScalarNode, "一个名称（冒号左边）"))
        return list(named)

    def plain(self, node: yaml.Node, path: str):
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(item, f"{path}[{i}]") for i, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            entries = self.entries(node, path)
            return {key.value: self.plain(value, f"{path}.{key.value}") for key, value in entries}
        return self.scalar(node, path)

    def part(self, node: yaml.Node, path: str, cls):
        if not self.expect(node, path, yaml.MappingNode, "一组“键: 值”"):
            return None
        declared = {one.name: one for one in dataclasses.fields(cls) if "reader" in one.metadata}
        values: dict[str, Any] = {}
        answered: set[str] = set()
        for key, child in self.entries(node, path):
            where = f"{path}.{key.value}" if path else str(key.value)
            name = str(key.value).replace("-", "_")
            name = f"{name}_" if name in {"from", "is", "line"} else name
            if name not in declared:
                self.problem(key, where, f"没有名为“{key.value}”的项，可用的有：{'、'.join(_shown(declared))}。")
            elif name in values:
                self.problem(key, where, f"“{key.value}”写了两次。")
            elif isinstance(child, yaml.ScalarNode) and not child.style and child.value.strip() in EMPTY:
                values.setdefault(name, None)
            else:
                values[name] = declared[name].metadata["reader"](self, child, where)
                answered.add(name)
        for name, one in declared.items():
            wrong = name in values and values[name] is None and name in answered  # already told
            if one.metadata["required"] and values.get(name) in (None, "", []) and not wrong:
                self.problem(node, f"{path}.{name}" if path else name, f"缺少“{_shown([name])[0]}”。")
        kept = {name: value for name, value in values.items() if value is not None}
        return cls(**kept, line=node.start_mark.line + 1, path=path)


def _shown(names) -> list[str]:
    return [name.rstrip("_") for name in names]
