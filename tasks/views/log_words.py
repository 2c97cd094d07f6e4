"""What a line of the audit trail is about, by its name and with its page; and the words for the codes it holds."""

from collections.abc import Iterable
from urllib.parse import urlencode

from django.db.models import CharField, Value
from django.urls import reverse

from farmland.accounts.log import changes
from farmland.accounts.models import Event, User
from parcels.models import Evidence, Inspection, Kind, Parcel, Proposal, Work
from tasks.check.registry import RULES
from tasks.models import Clue, Issue, Submission, TownYear
from tasks.views.common import Labels, where

DICTIONARIES = {  # name of a value → dictionary its codes are of
    "level": "level", "role": "role", "类型": "clue_kind", "措施": "measure", "处置类别": "treatment",
}  # fmt: skip
CODES = {
    "verdict": {"passed": "通过", "partial": "部分通过", "returned": "退回", "revoked": "冲销"},
    "state": {"cancelled": "已取消", "done": "已完成", "draft": "待验收"},
    "phase": {"before": "整改前", "during": "整改中", "after": "整改后"},
}
CODES["verdicts"] = CODES["verdict"]
USERS = ("新建用户", "重置密码", "停用用户", "启用用户", "生成接口令牌")
FINDINGS = ("说明体检发现", "撤销体检说明")
RECEIPTS = ("填报写入", "填报撤回")
PAGES = (  # beginning of an action → the page where its things stand, when no row of its own has one
    ("载入方案", "plan_detail"), ("重新体检", "plan_check"), ("导入图斑", "parcel_list"), ("结转图斑", "parcel_list"),
    ("导入整改台账", "issue_list"), ("问题移交", "referral_list"), ("移交反馈", "referral_list"),
    ("区划", "division_list"), ("登记", "acceptance_list"), ("冲销", "acceptance_list"),
)  # fmt: skip
ROWS = (  # whose id an event may carry → its page
    (Parcel, "parcel_detail"), (Issue, "issue_detail"), (Clue, "clue_detail"), (Proposal, "proposal_detail"),
    (Inspection, "inspection_detail"),
)  # fmt: skip
BY_PARCEL = (Work, Evidence)  # rows that stand on their parcel's page


class EventWords:
    """Words for the codes of a town's events; ``kinds`` are the names of the kinds of task by code."""

    def __init__(self, labels: Labels, kinds: dict[str, str]):
        self._labels, self._kinds = labels, kinds

    @classmethod
    def of(cls, town) -> "EventWords":
        return cls(Labels(town), dict(Kind.objects.values_list("code", "name")))

    def __call__(self, name: str, code: str) -> str:
        if name in ("kind", "kinds"):
            return self._kinds.get(code, code)
        if name in DICTIONARIES:
            return self._labels.of(DICTIONARIES[name], code)
        return CODES.get(name, {}).get(code, code)


def tell(events: Iterable[Event], town_year: TownYear, user) -> None:
    """Give each event its ``changes``, ``thing`` and ``url``, in four queries."""
    events = list(events)
    word = EventWords.of(town_year.town)
    pages, receipts = _pages(events, town_year), _receipts(events, town_year)
    people = {one.username: one for one in User.objects.filter(username__in=_subjects(events, USERS))}
    for one in events:
        one.changes = changes(one.before, one.after, word)
        one.thing, one.url = one.subject, pages.get(one.about) or _page(one, town_year)
        if one.action in USERS:
            one.thing = _person(people.get(one.subject), one.subject)
            one.url = _users(one.subject, town_year) if user.can("manage_users", town_year.town) else ""
        elif one.action in FINDINGS:
            one.thing, one.url = _finding(one.subject), reverse("plan_check", kwargs=where(town_year))
        elif one.action in RECEIPTS:
            one.url = receipts.get(one.subject.partition(" ")[0], "")


def _subjects(events: list[Event], actions: tuple[str, ...]) -> list[str]:
    return [one.subject for one in events if one.action in actions]


def _pages(events: list[Event], town_year: TownYear) -> dict:
    """id of a row → the address of its page, in the year the row is of now; rows that are gone have none."""
    ids = {one.about for one in events if one.about}
    if not ids:
        return {}
    rows = [
        model.objects.filter(pk__in=ids).order_by().values_list("pk", "pk", "year", _name(page))
        for model, page in ROWS
    ]
    rows += [
        model.objects.filter(pk__in=ids, parcel__isnull=False).order_by()
        .values_list("pk", "parcel", "parcel__year", _name("parcel_detail"))
        for model in BY_PARCEL
    ] + [
        Evidence.objects.filter(pk__in=ids, issues__isnull=False).order_by()
        .values_list("pk", "issues", "issues__year", _name("issue_detail"))
    ]  # fmt: skip
    town = town_year.town.slug
    found = rows[0].union(*rows[1:], all=True)
    return {pk: reverse(page, kwargs={"town": town, "year": year, "pk": shown}) for pk, shown, year, page in found}


def _name(page: str) -> Value:
    return Value(page, output_field=CharField())


def _receipts(events: list[Event], town_year: TownYear) -> dict[str, str]:
    numbers = [subject.partition(" ")[0] for subject in _subjects(events, RECEIPTS)]
    rows = Submission.objects.filter(division__town=town_year.town, receipt__in=numbers) if numbers else ()
    town = town_year.town.slug
    return {
        one.receipt: reverse("submission_detail", kwargs={"town": town, "year": one.year, "pk": one.pk})
        for one in rows
    }


def _page(event: Event, town_year: TownYear) -> str:
    """A list; an acceptance names no row of its own, other entries (登记核查结论) name a row that is gone."""
    name = next((name for begin, name in PAGES if event.action.startswith(begin)), "")
    if event.about and name == "acceptance_list":
        return ""
    return reverse(name, kwargs=where(town_year)) if name else ""


def _person(user: User | None, username: str) -> str:
    name = user.get_full_name() if user else ""
    return f"{name}（{username}）" if name else username


def _users(username: str, town_year: TownYear) -> str:
    return f"{reverse('user_list', kwargs=where(town_year))}?{urlencode({'q': username})}"


def _finding(subject: str) -> str:
    """C06 三、工作目标 → 单位或数量级有误（C06），三、工作目标."""
    rule, _, place = subject.partition(" ")
    return f"{RULES[rule].title}（{rule}），{place}" if rule in RULES else subject
