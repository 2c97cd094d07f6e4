"""Reading the query parameters every list shares; whatever is not understood is 400 and named."""

from dataclasses import dataclass

from farmland.lib.api.cursor import Key, is_nullable
from farmland.lib.api.errors import exceptions, wrong_parameter
from farmland.lib.api.http import is_readable

PAGE_SIZE, PAGE_SIZE_MAX = 100, 1000
COMMON = {
    "page_size": f"每页行数，1–{PAGE_SIZE_MAX}，默认 {PAGE_SIZE}",
    "cursor": "下一页或上一页的位置，照 next、previous 原样使用",
    "ordering": "排序字段，前加 - 为倒序，可用逗号并列；总以 id 收尾",
    "format": "json（默认）或文件格式；文件为全部筛选结果",
}


@dataclass(frozen=True)
class Query:
    """What one call of a list asks for. ``wanted`` pairs each filter with its text."""

    format: str
    page_size: int
    cursor: str
    ordering: str
    keys: list[Key]
    wanted: list[tuple]


def read_query(view, params) -> Query:
    """The query of a list view from its parameters (a QueryDict); raises 400 naming every wrong one."""
    filters = {one.name: one for one in view.all_filters}
    check_names(params, [*COMMON, *filters])
    ordering = params.get("ordering", "")
    return Query(
        format=read_format(params.get("format", "json"), view.formats),
        page_size=read_page_size(params.get("page_size", str(PAGE_SIZE))),
        cursor=params.get("cursor", ""),
        ordering=ordering,
        keys=read_ordering(view, ordering if "ordering" in params else None),
        wanted=[(filters[name], params[name]) for name in params if name in filters],
    )


def check_names(params, known: list[str]) -> None:
    """Refuse unknown, repeated and unreadable parameters, all in one answer."""
    errors = {}
    for name, values in params.lists():
        shown = name if is_readable(name) else "?"
        if name not in known:
            detail, code = f"没有参数“{shown[:40]}”。本地址的参数有：{'、'.join(known)}。", "unknown"
        elif len(values) > 1:
            detail, code = f"参数 {name} 写了 {len(values)} 次，请只写一次。", "repeated"
        elif not is_readable(values[0]) or "\ufffd" in values[0]:
            detail, code = f"参数 {name} 含有无法识别的字符，请用 UTF-8 编码重新填写。", "unreadable"
        else:
            continue
        errors[shown] = [exceptions.ErrorDetail(detail, code=code)]
    if errors:
        raise exceptions.ValidationError(errors)


def read_format(text: str, formats: tuple[str, ...]) -> str:
    if text not in formats:
        raise wrong_parameter("format", f"格式“{text[:40]}”不支持，可用：{'、'.join(formats)}。")
    return text


def read_page_size(text: str) -> int:
    size = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
    if not 1 <= size <= PAGE_SIZE_MAX:
        detail = f"page_size 应为 1–{PAGE_SIZE_MAX} 的整数，现为“{text[:40]}”，请修改。"
        raise wrong_parameter("page_size", detail)
    return size


def read_ordering(view, text: str | None) -> list[Key]:
    """The keys of an ordering such as "-year,kind", closed by the id; the view's own where none is given."""
    allowed = {name: view.table[name].sources[0] for name in ("id", *view.ordering)}
    terms = view.default_ordering if text is None else [named(term, allowed) for term in text.split(",")]
    keys = {}
    for term in [*terms, allowed["id"]]:
        source = term.removeprefix("-")
        nullable = view.model is None or is_nullable(view.model, source)
        keys.setdefault(source, Key(source, term.startswith("-"), nullable))
    return list(keys.values())


def named(term: str, allowed: dict[str, str]) -> str:
    """The source a public ordering term stands for, with its sign."""
    name = term.removeprefix("-")
    if name not in allowed:
        detail = f"不能按“{name[:40]}”排序，可用：{'、'.join(allowed)}（前加 - 为倒序）。"
        raise wrong_parameter("ordering", detail)
    return ("-" if term.startswith("-") else "") + allowed[name]
