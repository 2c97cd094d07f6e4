"""管护申报: claims opened from what was accepted, declared, taken back. The town's part is ``verifying``.

A claim never goes above the accepted area as it stands at that moment. What is refused changes nothing and is logged.
Locks: the round (opening), then claims by their ids.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from farmland.accounts.models import Line, User, record, record_all
from farmland.lib.numbers import decimals, plain
from farmland.lib.refused import Refused, Stale
from farmland.places.models import Term
from parcels.models import Work
from subsidies.attempts import attempted
from subsidies.claiming.caps import ZERO, accepted_of, areas_of
from subsidies.models import Claim, Round

DECLARE, WITHDRAW, OPEN = "申报管护", "撤回管护申报", "生成管护申报表"
OPEN_STATES = ("draft", "returned")
PLACES = 4


@dataclass(frozen=True)
class Said:
    """What a village says is still planted. ``version`` as it was read, None where nobody read one."""

    area: Decimal
    crop: str = ""
    reason: str = ""
    version: int | None = None


@dataclass(frozen=True)
class Opened:
    """``new`` claims, ``changed`` ceilings, and the accepted area that no village can claim (全镇的数，未落到村)."""

    new: int
    changed: int
    unplaced: Decimal


def opens_on(round: Round) -> date:
    """The first day of declaring; a round that names none is open from the first day of its year."""
    return round.opens_on or date(round.year, 1, 1)


def closed_text(round: Round, today: date) -> str:
    """Why nothing can be declared on this day; "" when it can. The last day counts to its end (24:00)."""
    if today < opens_on(round):
        return f"{round.year} 年的管护从 {opens_on(round):%Y-%m-%d} 起申报，今天是 {today:%Y-%m-%d}，请到时再报。"
    if round.closes_on and today > round.closes_on:
        return (
            f"{round.year} 年的管护申报已于 {round.closes_on:%Y-%m-%d} 24:00 截止，今天是 {today:%Y-%m-%d}，"
            "不能再报，请与镇里联系。"
        )
    return ""


def taking(rounds: Iterable[Round], today: date) -> list[Round]:
    """Of the rounds of a year those that take claims on this day; all of them when none does."""
    rounds = list(rounds)
    return [one for one in rounds if not closed_text(one, today)] or rounds


def name_of(work: Work) -> str:
    """图斑 500151…, or the village's area that has no parcel."""
    return f"图斑 {work.parcel}" if work.parcel_id else f"{work.division} {work.kind}（未落图）"


def subject(claim: Claim) -> str:
    return f"{name_of(claim.work)} {claim.year} 年管护"


@transaction.atomic
def open_claims(round: Round, *, by: User | None = None, divisions: Iterable | None = None) -> Opened:
    """A claim for each accepted work of the round that has none; the ceilings of those not declared are renewed.

    Doing it again changes nothing. ``divisions``: only works of these.
    """
    rows = Round.objects.select_for_update(of=("self",)).select_related("program__town", "town")
    round = rows.get(pk=round.pk)
    if not round.is_yearly:
        raise Refused(f"{round} 不是逐年申报的轮次，没有管护申报。")
    accepted = accepted_of(round)
    works = list(accepted.works() if divisions is None else accepted.works().filter(division__in=divisions))
    areas = accepted.areas(works, round.program)
    standing = {one.work_id: one for one in _standing(round)}
    in_town = [one for one in works if one.division_id == round.town_id]
    new = [
        _draft(round, one, areas[one.pk], by)
        for one in works
        if one.pk not in standing and areas[one.pk] > 0 and one.division_id != round.town_id
    ]
    changed = _renew([one for one in standing.values() if one.state == "draft" and one.work_id in areas], areas)
    Claim.objects.bulk_create(new, batch_size=500)
    if new or changed:
        record(OPEN, f"{round}", user=by, town=round.town, about=round.pk,
               after={"新增": len(new), "认定面积有变": changed})  # fmt: skip
    return Opened(len(new), changed, sum((areas[one.pk] for one in in_town), ZERO))


def _standing(round: Round):
    return Claim.objects.filter(round=round).exclude(state="withdrawn").order_by("pk")


def _draft(round: Round, work: Work, cap: Decimal, by: User | None) -> Claim:
    made_up = round.is_demo or work.is_demo or work.division.is_demo or bool(by and by.is_demo)
    return Claim(
        town_id=round.town_id, division_id=work.division_id, round=round, year=round.year, work=work, cap_mu=cap,
        is_demo=made_up or bool(work.parcel_id and work.parcel.is_demo),
    )  # fmt: skip


def _renew(drafts: list[Claim], areas: dict) -> int:
    stale = [one for one in drafts if one.cap_mu != areas[one.work_id]]
    for one in stale:
        one.cap_mu = areas[one.work_id]
    save(stale, ["cap_mu"])
    return len(stale)


def save(claims: list[Claim], fields: list[str]) -> None:
    now = timezone.now()
    for one in claims:
        one.version, one.updated_at = one.version + 1, now
    Claim.objects.bulk_update(claims, [*fields, "version", "updated_at"], batch_size=500)


def declare(claim: Claim, said: Said, *, by: User, key: str = "") -> tuple[Claim, bool]:
    """The claim as it stands then, and whether this declared it; a repeated ``key`` finds what it declared."""
    with attempted(DECLARE, subject(claim), by=by, town=claim.town, about=claim.pk):
        locked([claim.pk])  # two requests with one key: the second finds what the first did
        again = _earlier(claim, said, by, key)
        if again is not None:
            return again, False
        (declared,) = _declare([(claim, said)], by=by, key=key)
        return declared, True


def declare_many(town, pairs: Sequence[tuple[Claim, Said]], *, by: User) -> list[Claim]:
    """All of them or none, such as the rows of an uploaded form."""
    with attempted(DECLARE, f"{len(pairs)} 项管护", by=by, town=town):
        return _declare(pairs, by=by)


def _earlier(claim: Claim, said: Said, by: User, key: str) -> Claim | None:
    if not key:
        return None
    found = Claim.objects.filter(town=claim.town_id, submitted_by=by, key=key).select_related("work__kind").first()
    if found is None:
        return None
    if (found.pk, found.declared_mu, found.crop) != (claim.pk, said.area, said.crop):
        message = "这个 Idempotency-Key 已用于另一条内容不同的申报，请为每条申报生成新的键。"
        raise Refused(message, field="non_field_errors", code="key_reused")
    return found


def _declare(pairs: Sequence[tuple[Claim, Said]], *, by: User, key: str = "") -> list[Claim]:
    said = {claim.pk: one for claim, one in pairs}
    claims = locked(said)
    checker = Checker(claims)
    before = {claim.pk: facts(claim) for claim in claims}
    for claim in claims:
        may(by, "claim", claim)
        checker.check(claim, said[claim.pk])
        one = said[claim.pk]
        claim.cap_mu, claim.declared_mu, claim.crop = checker.cap(claim), one.area, one.crop
        claim.reason = one.reason.strip()[:300] if one.area < claim.cap_mu else ""
        claim.state, claim.submitted_by, claim.submitted_at, claim.key = "submitted", by, timezone.now(), key
        claim.verdict_reason = ""
        claim.is_demo = claim.is_demo or by.is_demo
    fields = ["cap_mu", "declared_mu", "crop", "reason", "state", "submitted_by", "submitted_at", "key"]
    save(claims, [*fields, "verdict_reason", "is_demo"])
    log(DECLARE, claims, before, by, lambda claim: claim.reason)
    return claims


class Checker:
    """Whether claims may say what they are to say, by the accepted areas and the day as they stand now."""

    def __init__(self, claims: Sequence[Claim]):
        rounds = {claim.round_id: claim.round for claim in claims}
        self.caps = {}
        self.closed = {pk: closed_text(one, one.today()) for pk, one in rounds.items()}
        for pk, one in rounds.items():
            self.caps |= areas_of(one, [claim.work for claim in claims if claim.round_id == pk])
        crops = Term.objects.of("crop", claims[0].town) if claims else []
        self.crops = {term.code for term in crops}

    def cap(self, claim: Claim) -> Decimal:
        return self.caps.get(claim.work_id, ZERO)

    def check(self, claim: Claim, said: Said) -> None:
        """Refused, with the place, the value and what to do."""
        if closed := self.closed[claim.round_id]:
            raise Refused(closed, code="late")
        if said.version is not None and said.version != claim.version:
            raise stale(claim, said.area)
        if claim.state not in OPEN_STATES:
            state = claim.get_state_display()
            how = "要改请先撤回。" if claim.state == "submitted" else "不能再报。"
            raise Refused(f"{subject(claim)}{state}（{plain(claim.declared_mu)} 亩），{how}", code="conflict")
        self._check_area(claim, said)
        if said.crop and said.crop not in self.crops:
            raise Refused(f"字典里没有作物“{said.crop}”，请从列表中选择。", field="crop")

    def _check_area(self, claim: Claim, said: Said) -> None:
        cap = self.cap(claim)
        if said.area < 0 or decimals(said.area) > PLACES:
            raise Refused(f"面积应不小于 0，小数最多四位，现为 {plain(said.area)}。", field="declared_mu")
        if said.area > cap:
            text = f"申报 {plain(said.area)} 亩，超过认定的 {plain(cap)} 亩，请改为不大于 {plain(cap)}。"
            raise Refused(text, field="declared_mu")
        if said.area < cap and not said.reason.strip():
            text = f"申报 {plain(said.area)} 亩，比认定的 {plain(cap)} 亩少，请写明减少的原因。"
            raise Refused(text, field="reason")


def withdraw(claim: Claim, *, by: User) -> Claim:
    """Take a claim back before the town has verified it; the fresh one that stands for it then."""
    with attempted(WITHDRAW, subject(claim), by=by, town=claim.town, about=claim.pk):
        (claim,) = locked([claim.pk])
        may(by, "claim", claim)
        if claim.state != "submitted":
            raise Refused(f"{subject(claim)}{claim.get_state_display()}，不能撤回。", code="conflict")
        if closed_text(claim.round, claim.round.today()):
            raise Refused("已过截止日，撤回后不能再报。报错了的，请镇里核实时更正。", code="late")
        before = {claim.pk: facts(claim)}
        claim.state = "withdrawn"
        save([claim], ["state"])
        cap = areas_of(claim.round, [claim.work]).get(claim.work_id, ZERO)
        fresh = _draft(claim.round, claim.work, cap, by)
        fresh.save(force_insert=True)
        log(WITHDRAW, [claim], before, by)
        return fresh


def locked(pks) -> list[Claim]:
    """These claims under their locks, by id, with all their checks ask for."""
    rows = Claim.objects.select_for_update(of=("self",)).filter(pk__in=list(pks)).order_by("pk")
    return list(rows.select_related("town", "division", "round__program__town", "work__parcel", "work__kind",
                                    "work__division"))  # fmt: skip


def may(by: User, action: str, claim: Claim) -> None:
    if not by.can(action, claim.division, claim.work.kind_id):
        raise PermissionDenied


def stale(claim: Claim, area: Decimal | None) -> Stale:
    now = claim.verified_mu if claim.verified_mu is not None else claim.declared_mu
    text = "您打开以后，这项申报已被别人改过，没有写入。请刷新后核对再报。"
    shown = ["" if one is None else plain(one) for one in (now, area)]
    return Stale(text, [("面积（亩）", *shown)])


def facts(claim: Claim) -> dict[str, str]:
    areas = {"申报（亩）": claim.declared_mu, "核实（亩）": claim.verified_mu}
    shown = {name: plain(area) for name, area in areas.items() if area is not None}
    return {"状态": claim.get_state_display(), "认定（亩）": plain(claim.cap_mu)} | shown


def log(action: str, claims: list[Claim], before: dict, by: User, why=lambda claim: "") -> None:
    if claims:
        lines = [Line(subject(one), before[one.pk], facts(one), why(one), one.pk) for one in claims]
        record_all(action, lines, user=by, town=claims[0].town)
