"""The words and shapes of states and tiers: one table for chips, cells, bars and sentences read aloud."""

from typing import NamedTuple

from farmland.svg import Milestone


class Look(NamedTuple):
    """An icon of ``farmland.icons``, a tone of the sheet (met, track, risk, broken, dead, none, error) and a word."""

    icon: str
    tone: str
    word: str


STATES = {
    # of a target in a division (contract §2)
    "met": Look("met", "met", "已完成"),
    "on_track": Look("track", "track", "正常"),
    "at_risk": Look("risk", "risk", "有风险"),
    "overdue": Look("overdue", "risk", "逾期"),
    "infeasible": Look("broken", "dead", "不可达"),
    "no_data": Look("none", "none", "无数据"),
    "watch": Look("none", "none", "监测"),
    # findings of the plan check
    "error": Look("close", "error", "错误"),
    "warning": Look("risk", "risk", "警告"),
    "note": Look("note", "none", "提示"),
    "waived": Look("none", "none", "已说明"),
    # land on a layer
    "forbidden": Look("broken", "dead", "不得恢复"),
    "to_check": Look("risk", "risk", "须核对"),
    # forms and jobs
    "applied": Look("met", "met", "已写入"),
    "preview": Look("queue", "track", "待确认"),
    "refused": Look("risk", "risk", "有错，未写"),
    "conflict": Look("risk", "risk", "待选择"),
    "duplicate": Look("none", "none", "重复，未写"),
    "taken_back": Look("back", "none", "已撤回"),
    "queued": Look("queue", "none", "排队中"),
    "running": Look("job", "track", "进行中"),
    "done": Look("met", "met", "已完成"),
    "failed": Look("broken", "dead", "未完成"),
    # acceptance (a step of its verdict)
    "reached": Look("track", "track", "填报"),
    "passed": Look("met", "met", "通过"),
    "partial": Look("risk", "risk", "部分通过"),
    "returned": Look("back", "risk", "退回"),
    "revoked": Look("back", "none", "冲销"),
    "pending": Look("queue", "none", "待办"),
    # issues (their words stand in tasks.issues.STATE_WORDS: a job that is done is not an issue that is done)
    "open": Look("track", "track", "整改中"),
    "decided": Look("track", "track", "整改中"),
    "accepted": Look("met", "met", "已认定"),
    "closed": Look("met", "met", "已销号"),
    "reopened": Look("back", "risk", "重新整改"),
    # amounts and claims of the money
    "due": Look("track", "track", "应补"),
    "held": Look("risk", "risk", "暂缓"),
    "ineligible": Look("none", "none", "不予补助"),
    "batched": Look("queue", "track", "批次中"),
    "settled": Look("met", "met", "已核定"),
    "submitted": Look("queue", "track", "已申报"),
    "verified": Look("met", "met", "已核实"),
    "withdrawn": Look("back", "none", "已撤回"),
    "draft": Look("none", "none", "待申报"),
}

# On a red line (一票否决) lateness and being out of reach are red; elsewhere they are amber and ink.
RED = {"overdue": "broken", "infeasible": "broken"}

# From the hardest proof to none; dead is land that cannot be restored.
TIERS = {
    "accepted": "已认定",
    "evidenced": "已举证",
    "planted": "已种植",
    "ploughed": "已翻耕",
    "planned": "计划",
    "dead": "不可整改",
    "open": "未完成",
}

# The ground a stage stands on. A stage that a ladder adds later is drawn as planned unless its tier is given.
STAGE_TIERS = {
    "ploughed": "ploughed",
    "planted": "planted",
    "evidenced": "evidenced",
    "village_accepted": "evidenced",
    "town_accepted": "evidenced",
    "county_accepted": "evidenced",
    "city_accepted": "evidenced",
}


def look(state: str | None, label: str = "", *, red_line: bool = False) -> Look:
    """How ``state`` is shown; a state we have no shape for keeps its own word with the dashed ring."""
    found = STATES.get(state or "no_data") or Look("none", "none", str(state))
    tone = RED.get(state, found.tone) if red_line else found.tone
    return Look(found.icon, tone, label or found.word)


def milestone(item) -> Milestone:
    """A Milestone of the drawing from any object or dict with on, title and perhaps note, state, red_line."""
    if isinstance(item, Milestone):
        return item
    get = item.get if isinstance(item, dict) else lambda name, default=None: getattr(item, name, default)
    state, note = get("state", None), get("note", "") or ""
    tone = look(state, red_line=bool(get("red_line", False))).tone if state else ""
    if not note and tone and tone not in {"track", "none"}:
        note = look(state).word
    tone = {"dead": "risk", "track": "", "none": ""}.get(tone, tone)
    return Milestone(get("on"), str(get("title")), str(note), tone)
