"""YAML text before it becomes a document: its encoding, its signs, its size, and why it cannot be read, in Chinese."""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # every scalar as text; the C one is ten times quicker
LARGEST = 2_000_000  # bytes; the longest plan of the five has 100,000
MOST_NODES = 200_000
DEEPEST = 40
MOST_FAULTS = 20
CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
OTHER_ENCODINGS = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))
REASONS = [  # (what the parser says, what it means)
    ("expected ',' or '", "括号没有成对，或两项之间缺逗号"),
    ("could not find expected ':'", "缺冒号，或引号没有成对"),
    ("while scanning a quoted scalar", "引号没有成对"),
    ("mapping values are not allowed", "同一行里冒号写了两次，含冒号的文字要加引号"),
    ("did not find expected <document start>", "前面的内容已经结束，这里又多出一段，请核对缩进"),
    ("did not find expected", "缩进不齐，或少写了“- ”、冒号、括号"),
]


class Unreadable(Exception):
    """Why a text is no YAML that may be read: ``faults`` are (line, message)."""

    def __init__(self, *faults: tuple[int, str]):
        self.faults = faults
        super().__init__("\n".join(message for _, message in faults))


def decoded(path: Path) -> str:
    """The text of a file. ``Unreadable`` for a size or an encoding that is not accepted, OSError as it comes."""
    with path.open("rb") as file:
        raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise Unreadable((1, _too_large()))
    for mark, name in OTHER_ENCODINGS:
        if raw.startswith(mark):
            raise Unreadable((1, f"文件是 {name} 编码，请另存为 UTF-8 编码。"))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Unreadable(
            (line, f"不是 UTF-8 编码（可能是 GBK），请另存为 UTF-8 编码（原话：{error.reason}）。")
        ) from error


def examine(source: str) -> None:
    """Refuse what must not be composed: signs no text has, references (they multiply), too much of it, bad YAML."""
    if len(source) > LARGEST:
        raise Unreadable((1, _too_large()))
    if sign := CONTROL.search(source):
        line = source.count("\n", 0, sign.start()) + 1
        raise Unreadable((line, f"有不能显示的字符（U+{ord(sign[0]):04X}），请删去。"))
    faults: list[tuple[int, str]] = []
    try:
        for fault in _event_faults(source):
            faults.append(fault)
            if len(faults) >= MOST_FAULTS:
                break
    except yaml.YAMLError as error:
        faults.append(_fault(error, source))
    if faults:
        raise Unreadable(*faults)


def _event_faults(source: str) -> Iterator[tuple[int, str]]:
    nodes = depth = documents = 0
    for event in yaml.parse(source, Loader=LOADER):
        line = event.start_mark.line + 1
        nodes += isinstance(event, yaml.NodeEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if getattr(event, "anchor", None):
            yield line, f"不能用引用（&、*）：“{event.anchor}”，请把内容照写一遍。"
        if nodes > MOST_NODES:
            yield line, f"内容超过 {MOST_NODES:,} 项，请分成几个文件或删去重复的内容。"
        elif depth > DEEPEST:
            yield line, f"嵌套超过 {DEEPEST} 层，请核对缩进和下级（divisions、items）。"
        elif documents > 1:
            yield line, "文件里有两份内容（---），请只留一份。"
        else:
            continue
        return


def _too_large() -> str:
    return f"文件超过 {LARGEST // 1_000_000} MB，请核对是不是方案文件。"


def _fault(error: yaml.YAMLError, source: str) -> tuple[int, str]:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = mark.line + 1 if mark else 1
    raw = "，".join(filter(None, (getattr(error, "context", None), getattr(error, "problem", None)))) or str(error)
    lines = source.splitlines()
    tabbed = line <= len(lines) and "\t" in lines[line - 1]
    reason = next((meaning for words, meaning in REASONS if words in raw), "写法不对")
    if tabbed:
        reason = "这一行有制表符（Tab），请改成空格"
    return line, f"不是合法的 YAML：{reason}（原话：{raw}）。"
