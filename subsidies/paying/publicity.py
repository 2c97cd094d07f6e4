"""公示: how long a list hangs on the wall, its two photographs, what people objected and what they were answered.

Both days count. The list may be approved on the day after ``ends_on``. A list that changes in anything hangs anew.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from django.conf import settings
from django.utils import timezone

from farmland.accounts.models import User
from farmland.jobs.models import Upload
from farmland.lib import photos
from farmland.lib.refused import Refused
from farmland.places.models import Division, Term
from subsidies.models import Batch, Objection, Program, Publicity
from subsidies.models.program import CALENDAR, WORKING
from subsidies.paying import seal
from subsidies.paying.batches import check_move, log, opened, save, to_draft
from subsidies.refusals import logged
from tasks.models import TownYear

PURPOSE = "publicity_photo"
HOLIDAY = "holiday"  # terms: code is the day; {"works": true} for a Saturday or Sunday that is worked
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Terms:
    """How long, counted how; ``assumed`` where the plan says nothing."""

    days: int
    counting: str
    assumed: bool = False


def terms_of(program: Program) -> Terms:
    if program.publicity_days:
        return Terms(program.publicity_days, program.publicity_counting)
    return Terms(settings.PUBLICITY_DAYS, CALENDAR, assumed=True)


class WorkDays:
    """The days worked: Mondays to Fridays but for the dictionary's holidays, and the days worked instead.

    Refused for a year whose holidays nobody has entered: counted without them, a list would come down too early.
    """

    def __init__(self, town: Division):
        terms = Term.objects.of(HOLIDAY, town).values_list("code", "attrs")
        self._told = {code: bool((attrs or {}).get("works")) for code, attrs in terms}
        self._years = {code[:4] for code in self._told}

    def works(self, day: date) -> bool:
        if f"{day.year}" not in self._years:
            raise Refused(
                f"{day.year} 年的节假日还没有录入，按工作日公示的期满日算不出来：请管理员按国务院办公厅的通知，"
                f"在字典“节假日”（holiday）中补上 {day.year} 年，再公示。",
                field="starts_on", code="calendar",
            )  # fmt: skip
        return self._told.get(day.isoformat(), day.weekday() < 5)


def last_day(start: date, terms: Terms, days: WorkDays) -> date:
    """The last of so many days, the first included; working days begin with the first one worked."""
    if terms.counting != WORKING:
        return start + (terms.days - 1) * ONE_DAY
    day, left = start, terms.days - days.works(start)
    while left > 0:
        day += ONE_DAY
        left -= days.works(day)
    return day


def outlook(program: Program, start: date) -> str:
    """When a list posted on ``start`` comes down, or why nobody can tell, as a sentence."""
    try:
        last = last_day(start, terms_of(program), WorkDays(program.town))
    except Refused as refusal:
        return refusal.message
    return f"{start:%Y-%m-%d} 张贴的，公示到 {last:%Y-%m-%d}。"


@logged("公示批次")
def publish(
    batch: Batch, *, place: str, version: int, by: User, starts_on: date | None = None, photo=None
) -> Publicity:
    """Put the sealed list on the wall."""
    now = opened(batch, by, "prepare_payment")
    standing = in_force(now)
    if now.state == "published" and standing and standing.by_id == by.pk:
        return standing
    check_move(now, "publish", version)
    if complaint := seal.complaint(now):
        raise Refused(f"不能公示：{complaint}", code="seal")
    if not place.strip():
        raise Refused("请填张贴地点。", field="place")
    today = today_of(now)
    starts_on = starts_on or today
    _check_start(now, starts_on, today)
    terms = terms_of(now.program)
    last = Publicity.objects.filter(batch=now).order_by("-number").values_list("number", flat=True).first() or 0
    made = Publicity.objects.create(
        town=now.town, batch=now, number=last + 1, starts_on=starts_on,
        ends_on=last_day(starts_on, terms, WorkDays(now.town)), required_days=terms.days, counting=terms.counting,
        place=place.strip()[:200], digest=now.digest, by=by, is_demo=now.is_demo,
        posted=_keep(now, photo, by) if photo else None,
    )  # fmt: skip
    save(now, state="published")
    after = {"number": made.number, "from": made.starts_on.isoformat(), "to": made.ends_on.isoformat()}
    log("公示批次", now, by, after | {"place": made.place, "digest": made.digest})
    return made


def _check_start(batch: Batch, starts_on: date, today: date) -> None:
    """Nothing is posted before it was reviewed, nor registered ahead."""
    reviewed = min(timezone.localdate(batch.reviewed_at), today)
    if not reviewed <= starts_on <= today:
        raise Refused(
            f"张贴日期应在审核日 {reviewed:%Y-%m-%d} 到今天 {today:%Y-%m-%d} 之间，现为 {starts_on:%Y-%m-%d}。",
            field="starts_on",
        )


@logged("上传公示照片")
def keep_photo(batch: Batch, *, moment: str, photo, by: User) -> Publicity:
    """``moment``: posted, or taken_down (from the last day on); each is kept once."""
    now = opened(batch, by, "prepare_payment")
    standing = _running(now)
    if moment == "taken_down" and today_of(now) < standing.ends_on:
        raise Refused(f"公示到 {standing.ends_on:%Y-%m-%d}，期满照片在最后一天或以后拍。", field="photo")
    if getattr(standing, moment) is not None:
        raise Refused("这张照片已上传，不能更换。", field="photo", code="conflict")
    setattr(standing, moment, _keep(now, photo, by))
    standing.save(update_fields=[moment, "updated_at"])
    save(now)
    log("上传公示照片", now, by, {"moment": moment, "sha256": getattr(standing, moment).sha256})
    return standing


@logged("登记公示异议")
def object_to(batch: Batch, *, who: str, what: str, on: date, by: User) -> Objection:
    """An objection stops the batch until it is answered."""
    now = opened(batch, by, "read_money")
    _may_answer(now, by)
    standing = _running(now)
    if not what.strip() or not who.strip():
        raise Refused("请填异议人（某村民或单位）和异议内容。", field="what" if who.strip() else "who")
    today = today_of(now)
    if not standing.starts_on <= on <= today:
        raise Refused(
            f"异议日期应在 {standing.starts_on:%Y-%m-%d} 到 {today:%Y-%m-%d} 之间，现为 {on:%Y-%m-%d}。", field="on"
        )
    made = Objection.objects.create(
        town=now.town, publicity=standing, who=who.strip()[:60], what=what.strip()[:500], on=on, entered_by=by,
        is_demo=now.is_demo,
    )  # fmt: skip
    standing.save(update_fields=["updated_at"])
    save(now)
    log("登记公示异议", now, by, {"number": standing.number, "on": on.isoformat()}, reason=made.what)
    return made


@logged("答复公示异议")
def answer(batch: Batch, *, objection, upheld: bool, text: str, by: User) -> Objection:
    """Upheld: the posting is void and the batch is a draft again; dismissed: it goes on."""
    now = opened(batch, by, "review_payment")
    rows = Objection.objects.select_for_update(of=("self",)).filter(publicity__batch=now, pk=objection)
    found = rows.select_related("publicity").first()
    if found is None or found.state != "open" or found.publicity.state == "void":
        raise Refused("这条异议已经处理，请刷新后查看。", code="conflict")
    if not text.strip():
        raise Refused("请写答复。", field="text")
    found.state, found.answer = "upheld" if upheld else "dismissed", text.strip()[:500]
    found.answered_by, found.answered_at = by, timezone.now()
    found.save(update_fields=["state", "answer", "answered_by", "answered_at", "updated_at"])
    found.publicity.save(update_fields=["updated_at"])
    save(now)
    log("答复公示异议", now, by, {"state": found.get_state_display()}, reason=found.answer)
    if upheld:
        to_draft(now, f"异议成立：{found.answer}", by)
    return found


def over(batch: Batch) -> list[str]:
    """What keeps the publicity from being over, each a clause in Chinese; nothing when it is."""
    standing = in_force(batch)
    if standing is None:
        return ["没有有效的公示"]
    found = waits_of(standing, today_of(batch))
    if standing.digest != batch.digest:
        found.append("公示的内容与批次的校验值不符")
    return found


def waits_of(standing: Publicity, today: date) -> list[str]:
    """What the posting itself still waits for: its days, its photographs, its answers."""
    found = []
    if today <= standing.ends_on:
        found.append(f"公示到 {standing.ends_on:%Y-%m-%d}，次日起才能批准")
    if standing.posted is None:
        found.append("缺张贴照片")
    if standing.taken_down is None:
        found.append("缺期满照片")
    if count := sum(one.state == "open" for one in standing.objections.all()):
        found.append(f"有 {count} 条异议没有答复")
    return found


def in_force(batch: Batch) -> Publicity | None:
    return batch.publicities.exclude(state="void").select_related("posted", "taken_down").first()


def today_of(batch: Batch) -> date:
    return TownYear.objects.get(town=batch.town_id, year=batch.year).today()


def _running(batch: Batch) -> Publicity:
    standing = in_force(batch)
    if batch.state != "published" or standing is None:
        raise Refused(f"批次{batch.get_state_display()}，没有正在进行的公示。", code="conflict")
    return standing


def _may_answer(batch: Batch, by: User) -> None:
    if not (by.can("prepare_payment", batch.town) or by.can("review_payment", batch.town)):
        raise Refused("您没有登记异议的权限。", code="permission_denied")


def _keep(batch: Batch, photo, by: User) -> Upload:
    head = photo.read(12)
    photo.seek(0)
    if photos.picture_format(head) not in ("JPEG", "PNG"):
        raise Refused("公示照片应为 JPG 或 PNG，请另存后再传。", field="photo")
    return Upload.objects.store(photo, town=batch.town, user=by, purpose=PURPOSE, limit=photos.MAX_BYTES)
