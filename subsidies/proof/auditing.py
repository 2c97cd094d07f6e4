"""核对: the log and the money of one town checked when an auditor asks; who asked and what was found is in the log."""

from django.db import transaction
from django.urls import reverse

from farmland.accounts.log import broken_links
from farmland.accounts.models import Event, User, record
from farmland.jobs.models import Job
from farmland.jobs.registry import handler
from farmland.jobs.services import enqueue
from subsidies.proof import audit
from tasks.models import TownYear

KIND = "money_check"
CHECKED = "核对操作记录和资金"
MOST = 100  # of what is wrong, kept of each kind


def may(user: User, town) -> bool:
    """Those who read both the money and the log of the whole town."""
    return user.can("read_money", town) and user.can("read_log", town)


def request(town_year: TownYear, *, by: User) -> Job:
    """A second request while one waits joins it."""
    town, key = town_year.town, f"{KIND}:{town_year.town_id}"
    return enqueue(KIND, town=town, args={"year": town_year.year}, user=by, dedupe_key=key)


@handler(KIND, title=CHECKED)
def check(job) -> dict:
    """Reads everything and repairs nothing; the job's own words tell no more than whether all holds."""
    events = Event.objects.filter(town=job.town).count()
    whole = events + 1
    broken = list(broken_links(job.town, lambda count: job.progress(min(count, events), whole, "核对操作记录")))
    job.progress(events, whole, "核对资金")
    summary, wrong = audit.money(job.town)
    job.progress(whole, whole, "核对完毕")
    is_sound = not broken and not wrong
    told = f"{events} 条操作记录{'，全部相符' if not broken else f'，{len(broken)} 处对不上'}；{summary}"
    address = reverse("audit_money", kwargs={"town": job.town.slug, "year": job.args["year"]})
    with transaction.atomic():
        job.fence({"text": told, "url": address})
        record(
            CHECKED, "全部相符" if is_sound else f"{len(broken) + len(wrong)} 处不符", user=job.user, town=job.town,
            after={"events": events, "broken": broken[:MOST], "wrong": wrong[:MOST]}, reason=told, about=job.id,
        )  # fmt: skip
    return {"text": told, "url": address}
