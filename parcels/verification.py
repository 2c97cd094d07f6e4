"""核查结论: what is true of a parcel, said by who looks, settled by who decides.

What a village says stands at once as its word; what follows from it for the works (a lesser area, leaving the year)
follows when the town settles it, by another person. Findings and their effects are the table below.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from farmland.accounts.models import User, record
from farmland.lib.numbers import plain
from farmland.lib.refused import Refused
from farmland.places.models import Term
from parcels.changes import check_version, lock, touch
from parcels.models import Evidence, Parcel, Step, Work
from parcels.progress import Ladders
from parcels.works import Plan, change_work, exit_work, own_areas, reopen_work

VERIFIED = "verified"  # the rung a parcel stands on once it has been looked at


@dataclass(frozen=True)
class Finding:
    """``exit``: how the works leave; ``needs``: area, reason (Term of list "reason"), note, proof."""

    label: str
    exit: str = ""
    needs: tuple[str, ...] = ()


FINDINGS = {
    "real": Finding("属实"),
    "partly": Finding("部分属实", needs=("area", "note")),
    "no_problem": Finding("无问题", exit="disproved", needs=("note", "proof")),
    "not_abandoned": Finding("未撂荒", exit="disproved", needs=("note", "proof")),
    "blocked": Finding("不可整改", exit="blocked", needs=("reason", "proof")),
}
LABELS = {code: one.label for code, one in FINDINGS.items()}


@dataclass(frozen=True)
class Said:
    """What was found. ``area``: what of the parcel is real, for ``partly``."""

    finding: str
    on: date
    area: Decimal | None = None
    reason: str = ""
    note: str = ""
    version: int | None = None


def verify(parcel: Parcel, said: Said, *, by: User, decides: bool) -> bool:
    """Enter a finding; False where it stands already. ``decides``: it is settled at once.

    Refused explains every refusal. Proof is evidence of the parcel that came in before.
    """
    parcel = lock(parcel)
    last = parcel.attrs.get("verification", {})
    _check(parcel, said)
    new = {
        "finding": said.finding, "area_mu": None if said.area is None else plain(said.area), "reason": said.reason,
        "note": said.note.strip(),
    }  # fmt: skip
    if new == {name: last.get(name) for name in new} and (last.get("settled") or not decides):
        return False
    now, mine = LABELS.get(parcel.finding, parcel.finding), LABELS[said.finding]
    check_version(parcel, said.version, [("核查结论", now, mine)] if now != mine else [])
    if last.get("settled") and not decides:
        raise Refused("镇里已确认核查结论，要改请报镇里。", field="finding", code="conflict")
    before = {"核查结论": now}
    parcel.finding = said.finding
    kept = {"by": by.pk, "name": str(by), "on": said.on.isoformat(), "settled": decides}
    parcel.attrs = {**parcel.attrs, "verification": new | kept}
    touch(parcel)
    record(
        "登记核查结论", f"图斑 {parcel}", user=by, town=parcel.town, before=before, about=parcel.pk,
        after=_shown(parcel) | {"状态": "已确认" if decides else "待镇确认"}, reason=_why(parcel),
    )  # fmt: skip
    if decides:
        _follow(parcel, by)
    elif not FINDINGS[said.finding].exit:
        _step(parcel, said, by)
    return True


def is_waiting(parcel: Parcel) -> bool:
    """Whether a finding waits for the town."""
    return bool(parcel.finding) and parcel.attrs.get("verification", {}).get("settled") is False


def settle(parcel: Parcel, *, by: User, version: int | None = None) -> None:
    """The town confirms what the village found; its effects follow. Not by the person who found it."""
    parcel = lock(parcel)
    if not is_waiting(parcel):
        raise Refused("这个图斑没有待确认的核查结论。", code="conflict")
    check_version(parcel, version, [("核查结论", LABELS.get(parcel.finding, ""), "")])
    kept = parcel.attrs["verification"]
    if kept["by"] == by.pk:
        raise Refused("核查结论是您本人登记的，请由另一位同事确认。", code="same_person")
    parcel.attrs = {**parcel.attrs, "verification": {**kept, "settled": True, "settled_by": str(by)}}
    touch(parcel)
    record(
        "确认核查结论", f"图斑 {parcel}", user=by, town=parcel.town, after=_shown(parcel), about=parcel.pk,
        reason=_why(parcel),
    )  # fmt: skip
    _follow(parcel, by)


def _check(parcel: Parcel, said: Said) -> None:
    one = FINDINGS.get(said.finding)
    if one is None:
        raise Refused(f"核查结论应为{'、'.join(LABELS.values())}之一，现为“{said.finding}”。", field="finding")
    if "area" in one.needs:
        _check_area(parcel, said)
    if "reason" in one.needs and not said.reason:
        raise Refused(f"{one.label}须选原因。", field="reason")
    if said.reason and not Term.objects.of("reason", parcel.town).filter(code=said.reason).exists():
        raise Refused(f"字典里没有原因“{said.reason}”，请从列表中选择。", field="reason")
    if "note" in one.needs and not said.note.strip():
        raise Refused(f"{one.label}须写明情况。", field="note")
    if "proof" in one.needs and not Evidence.objects.filter(parcel=parcel, withdrawn_at=None).exists():
        raise Refused(f"{one.label}须有证明材料，请先上传照片或文件。", field="proof", code="required")


def _check_area(parcel: Parcel, said: Said) -> None:
    if said.area is None or said.area <= 0:
        raise Refused("部分属实须填属实的面积，应大于 0。", field="area_mu")
    if parcel.gross_mu is not None and said.area > parcel.gross_mu:
        text = f"属实面积不大于图斑面积 {plain(parcel.gross_mu)}，现为 {plain(said.area)}。"
        raise Refused(text, field="area_mu")


def _follow(parcel: Parcel, by: User) -> None:
    """What a settled finding does to the works of the parcel's year."""
    said, one = parcel.attrs["verification"], FINDINGS[parcel.finding]
    works = list(Work.objects.filter(parcel=parcel, year=parcel.year).select_related("parcel").order_by("pk"))
    if one.exit:
        for work in works:
            if not work.exit:
                exit_work(work, one.exit, _why(parcel), by=by, of_finding=True)
        return
    for work in works:
        if work.exit and work.attrs.get("of_finding"):
            reopen_work(work, f"核查结论改为{one.label}", by=by)
            work.exit = ""
    if said.get("area_mu"):
        open_works = [work for work in works if not work.exit]
        if len(open_works) == 1:
            (work,) = open_works
            plan = Plan(Decimal(said["area_mu"]), work.measure, work.treatment)
            change_work(work, plan, by=by, reason=_why(parcel))


def _step(parcel: Parcel, said: Said, by: User) -> None:
    """Who looked reports the works as looked at, as far as nobody has yet."""
    ladders = Ladders(parcel.town)
    works = Work.objects.select_for_update(of=("self",)).filter(parcel=parcel, year=parcel.year, exit="")
    own = own_areas([work.pk for work in works])
    steps = []
    for work in works:
        rung = ladders.rung(work.kind_id, VERIFIED)
        area = said.area or work.area_mu or parcel.gross_mu
        if rung is None or not rung.is_reported or not area or any(own[work.pk].values()):
            continue
        facts = {"verdict": "reached", "on": said.on, "by": by, "note": LABELS[said.finding], "is_demo": by.is_demo}
        steps.append(Step(town=parcel.town, work=work, rung=rung, area_mu=area, **facts))
    Step.objects.bulk_create(steps)


def _why(parcel: Parcel) -> str:
    """Reason and remark of a finding in words."""
    said = parcel.attrs["verification"]
    reason = Term.objects.of("reason", parcel.town).filter(code=said["reason"]).first() if said["reason"] else None
    words = [LABELS[parcel.finding], reason.label if reason else "", said["note"]]
    return "，".join(word for word in words if word)


def _shown(parcel: Parcel) -> dict[str, str]:
    area = parcel.attrs["verification"].get("area_mu")
    return {"核查结论": LABELS[parcel.finding]} | ({"属实面积（亩）": area} if area else {})
