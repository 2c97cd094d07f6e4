"""操作记录 in words: no event may be written whose name or values a reader could not understand."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings

from farmland.accounts.log import INSIDE, KEYS, changes
from farmland.accounts.models import record
from farmland.accounts.users import create_user
from parcels.models import Kind, Parcel
from tasks.models import Finding, Issue
from tasks.views.log_words import EventWords
from tests.tasks.page_world import person, shown, sign_in, towns, village

pytestmark = pytest.mark.django_db
WRITERS = {"record": [], "_record": [], "log": [3, 4], "Line": [1, 2]}  # where before and after stand unnamed
ROOMS = ("farmland", "parcels", "tasks", "subsidies")
CHINESE = re.compile(r"[一-鿿]")


@pytest.fixture(scope="module")
def places(django_db_setup, django_db_blocker):
    with towns(django_db_blocker, "xihe-2024") as found:
        yield found


# Every name that any module writes


def modules() -> list[Path]:
    found = [path for room in ROOMS for path in sorted((settings.BASE_DIR / room).rglob("*.py"))]
    return [path for path in found if "migrations" not in path.parts]


def called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def literal(node) -> str | None:
    """The text of an action as far as it stands in the source; None for a name, whose text comes from elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value for part in node.values if isinstance(part, ast.Constant))
    return None


def actions(tree: ast.Module) -> list[str]:
    """The names of events: the first text of a writer's arguments, both arms of a choice."""
    found = []
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and called(call) in {"record", "record_all", "log", "_record"} and call.args:
            first = call.args[0]
            arms = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
            found += [text for text in map(literal, arms) if text is not None]
    return found


def keys(tree: ast.Module) -> set[str]:
    """The keys of dicts that a module hands to a writer: in the call, in a name of its function, in what it calls."""
    functions = {one.name: one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}
    found = set()
    for function in functions.values():
        for call in (one for one in ast.walk(function) if isinstance(one, ast.Call)):
            if called(call) in WRITERS:
                found |= handed(call, function, functions)
    return found


def handed(call: ast.Call, function: ast.FunctionDef, functions: dict) -> set[str]:
    values = [call.args[at] for at in WRITERS[called(call)] if at < len(call.args)]
    values += [word.value for word in call.keywords if word.arg in ("before", "after")]
    names = {name for value in values for name in joined(value)}
    for one in ast.walk(function):
        if isinstance(one, ast.Assign) and {name.id for name in one.targets if isinstance(name, ast.Name)} & names:
            values.append(one.value)
    helpers = {called(one) for value in values for one in ast.walk(value) if isinstance(one, ast.Call)}
    values += [functions[name] for name in helpers if name in functions and name.startswith("_")]
    texts = [key for value in values for one in ast.walk(value) if isinstance(one, ast.Dict) for key in one.keys]
    return {key.value for key in texts if isinstance(key, ast.Constant) and isinstance(key.value, str)}


def joined(value) -> set[str]:
    """The names a dict is put together from: ``after``, ``shown | after``; not what helpers are called with."""
    if isinstance(value, ast.Name):
        return {value.id}
    parts = [] if isinstance(value, ast.Call) else ast.iter_child_nodes(value)
    return {name for part in parts for name in joined(part)}


def unread(trees) -> list[str]:
    """What a reader of the log would not understand."""
    found = []
    for path, tree in trees:
        found += [f"{path}: {text}" for text in actions(tree) if not CHINESE.search(text)]
        known = set(KEYS) | set(INSIDE)
        found += [f"{path}: {key}" for key in sorted(keys(tree)) if key not in known and not CHINESE.search(key)]
    return found


def test_every_event_and_every_value_has_words():
    trees = [(path.relative_to(settings.BASE_DIR), ast.parse(path.read_text(encoding="utf-8"))) for path in modules()]
    assert sum(len(actions(tree)) for _, tree in trees) > 40
    assert sum(len(keys(tree)) for _, tree in trees) > 40
    assert unread(trees) == []


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def f():\n record('user.created', 'x')", ["m: user.created"]),
        ("def f(a):\n record('停用' if a else 'off', 'x')", ["m: off"]),
        ("def f():\n record('停用', 'x', after={'new_key': 1})", ["m: new_key"]),
        ("def f():\n after = {'other_key': 1}\n record('停用', 'x', after=after)", ["m: other_key"]),
        ("def _s():\n return {'far_key': 1}\ndef f():\n record('停用', 'x', after=_s())", ["m: far_key"]),
        ("def f():\n log('抽样', 1, 2, {'third_key': 1})", ["m: third_key"]),
        ("def f():\n record('停用', 'x', after={'active': 1, '状态': 2})", []),
    ],
)
def test_a_new_name_without_words_is_found(source, told):
    assert unread([("m", ast.parse(source))]) == told


# Values


def test_codes_are_told_in_words(places):
    word = EventWords.of(places["xihe"])
    told = changes(None, {"level": "county", "kinds": ["abandonment"], "verdicts": {"passed": 2}}, word)
    assert [one["name"] for one in told] == ["层级", "限任务", "结论"]
    assert [one["after"] for one in told] == ["区县级", str(Kind.objects.get(pk="abandonment")), "通过 2"]


def test_ids_and_braces_stay_inside():
    told = changes({"step": "0191-x"}, {"areas_mu": {"自然撂荒 已种植": "1.4"}, "sha256": "a" * 64})
    assert [(one["name"], one["after"]) for one in told] == [
        ("面积（亩）", "自然撂荒 已种植 1.4"), ("文件校验值", "a" * 12),
    ]  # fmt: skip


# The page


def row(page: str, text: str) -> str:
    return next(one for one in page.split("<tr>")[2:] if text in one)


def test_things_are_named_and_lead_to_their_page(client, places):
    town = places["xihe"]
    official = person("official", town)
    parcel = Parcel.objects.create(
        town=town, division=village(town, "新四村"), year=2024, codes=["TB1"], gross_mu=1, kind_id="abandonment"
    )
    issue = Issue.objects.filter(town=town).first()
    finding = Finding.objects.filter(town=town, rule="C06").first()
    record("修改图斑", f"图斑 {parcel}", user=official, town=town, about=parcel.pk)
    record("问题修改", str(issue), user=official, town=town, about=issue.pk)
    record("撤销体检说明", f"{finding.rule} {finding.place}", user=official, town=town)
    create_user(official, town, username="zhang", name="张某", role="leader", division=town)
    page = shown(sign_in(client, official), "/xihe/2024/log/")
    assert f'href="/xihe/2024/parcels/{parcel.pk}/"' in row(page, "修改图斑")
    assert f'href="/xihe/2024/issues/{issue.pk}/"' in row(page, "问题修改")
    assert "单位或数量级有误（C06）" in row(page, "撤销体检说明")
    assert 'href="/xihe/2024/plan/check/"' in row(page, "撤销体检说明")
    assert "张某（zhang）" in row(page, "新建用户")
    assert 'href="/xihe/2024/users/?q=zhang"' in row(page, "新建用户")
    assert 'href="/xihe/2024/plan/"' in row(page, "载入方案")
