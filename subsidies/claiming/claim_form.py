"""A village's yearly claims as a workbook: pre-filled, filled in, compared with what stands, written all or none."""

import hashlib
import io
import json
from dataclasses import dataclass, field

from django.conf import settings
from django.core import signing

from farmland.accounts.models import User
from farmland.jobs.models import Upload
from farmland.lib.excel import (
    CellError,
    Column,
    FileRefused,
    Row,
    Sheet,
    find_header,
    identity,
    new_sheet,
    new_workbook,
    read_workbook,
    write_identity,
)
from farmland.lib.numbers import parse_decimal, plain
from farmland.lib.refused import Refused
from farmland.places.models import Division, Term
from subsidies.claiming.claims import OPEN_STATES, Checker, Said, declare_many
from subsidies.models import Claim

PURPOSE, SALT = "claim_form", "claim-form"
SHEET = "管护申报"
NUMBER, PLACE, GROUP, TASK, CAP = "序号", "地块", "组", "任务", "认定面积（亩）"
AREA, CROP, REASON = "申报面积（亩）", "作物", "减少的原因"
HEADINGS = (NUMBER, PLACE, GROUP, TASK, CAP, AREA, CROP, REASON)
CHANGED = "预览之后申报有变化，没有写入。请重新核对后再确认。"
AGAIN = "请重新下载本村的申报表，把填好的内容抄过去再上传。"


@dataclass
class Wanted:
    """A row of the file: the claim it is about and what it says."""

    number: int
    claim: Claim
    said: Said


@dataclass
class Reading:
    """What a file would do; ``errors`` keep all of it out. ``same``: rows that are left empty or declared already."""

    wanted: list[Wanted] = field(default_factory=list)
    same: int = 0
    errors: list[CellError] = field(default_factory=list)
    foreign: bool = False  # rows of another village were among them

    def fingerprint(self) -> str:
        what = [[str(one.claim.pk), one.claim.version, plain(one.said.area), one.said.crop, one.said.reason]
                for one in self.wanted]  # fmt: skip
        return hashlib.sha256(json.dumps(what, ensure_ascii=False).encode()).hexdigest()


def rows_of(division: Division, year: int, user: User):
    """The claims of a village and year that may be declared now, with what a row shows."""
    rows = Claim.objects.visible_to(user).filter(division=division, year=year, state__in=OPEN_STATES, cap_mu__gt=0)
    rows = rows.select_related("town", "division", "round__program__town", "work__parcel", "work__kind")
    return rows.order_by("work__kind__order", "work__parcel__group", "pk")


def blank(division: Division, year: int, user: User) -> bytes:
    """The .xlsx to fill in; Refused when there is nothing to declare."""
    claims = list(rows_of(division, year, user))
    if not claims:
        raise Refused(f"{division} {year} 年没有待申报的地块。", code="conflict")
    crops = list(Term.objects.of("crop", division.town).values_list("label", flat=True))
    columns = [
        Column(NUMBER, 7, "number", locked=True),
        Column(PLACE, 30, locked=True),
        Column(GROUP, 9, locked=True),
        Column(TASK, 18, locked=True),
        Column(CAP, 12, "number", locked=True),
        Column(AREA, 12, "number", help="现在还在种的面积，不能大于认定面积。全部在种的，照认定面积填。"),
        Column(CROP, 12, "choice", choices=crops or ("",), help="种了什么，从下拉列表里选；可以不填。"),
        Column(REASON, 34, help="申报面积比认定面积少的，须写原因。"),
    ]
    book = new_workbook()
    rows = [_cells(number, one) for number, one in enumerate(claims, 1)]
    new_sheet(book, SHEET, columns, rows)
    book[SHEET].oddHeader.left.text = f"{division.town} {division} {year} 年管护申报表"
    write_identity(book, {
        "format": "1", "town": division.town.slug, "year": str(year), "division": division.code,
        **{f"row {number}": signing.dumps([str(one.pk), one.version], salt=SALT)
           for number, one in enumerate(claims, 1)},
    })  # fmt: skip
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _cells(number: int, one: Claim) -> list:
    parcel = one.work.parcel
    place = str(parcel) if parcel else "未落图"
    return [number, place, parcel.group if parcel else "", str(one.work.kind), one.cap_mu, one.cap_mu, None, None]


def read(upload: Upload, division: Division, year: int, user: User) -> Reading:
    """What the file would declare; nothing is written. ``FileRefused`` when it is no claim form of this village."""
    book = read_workbook(upload.full_path, max_rows=3000, max_cols=30, max_bytes=settings.FORM_MAX_BYTES)
    who = identity(book)
    if who is None or SHEET not in book:
        raise FileRefused("not-a-form", f"这不是管护申报表，{AGAIN}")
    if who.get("division") != division.code or who.get("year") != str(year):
        raise FileRefused("other-form", f"这份表不是{division} {year} 年的申报表。{AGAIN}")
    sheet = book[SHEET]
    head = find_header(sheet, list(HEADINGS))
    return Reader(sheet, head, who, division, year, user).read()


class Reader:
    """The rows of one file against the claims of one village."""

    def __init__(self, sheet: Sheet, head, who: dict, division: Division, year: int, user: User):
        self.sheet, self.head, self.who = sheet, head, who
        rows = Claim.objects.visible_to(user).filter(division=division, year=year)
        rows = rows.select_related("town", "division", "round__program__town", "work__parcel", "work__kind")
        self.claims = {str(one.pk): one for one in rows}
        self.crops = {}
        for term in Term.objects.of("crop", division.town):
            self.crops |= dict.fromkeys([term.label, term.code, *term.synonyms], term.code)
        self.checker = Checker(list(self.claims.values()))
        self.done = Reading()

    def read(self) -> Reading:
        self.done.errors += self.sheet.problems(list(self.head.values()), from_row=self.head.row_number + 1)
        wrong = {error.cell for error in self.done.errors}
        seen: dict[str, int] = {}
        for row in self.sheet.rows:
            if row.number > self.head.row_number and any(row[at] for at in self.head.values()):
                self._row(row, seen, wrong)
        return self.done

    def _row(self, row: Row, seen: dict[str, int], wrong: set[str]) -> None:
        if any(self._error(row, name, "").cell in wrong for name in HEADINGS):
            return
        try:
            claim, version = self._claim(row, seen)
            said = self._said(row, version)
        except _Cell as error:
            self.done.errors.append(self._error(row, error.heading, error.text))
            return
        if said is None or (claim.state == "submitted" and said.area == claim.declared_mu):
            self.done.same += 1
            return
        try:
            self.checker.check(claim, said)
        except Refused as refusal:
            heading = {"reason": REASON, "crop": CROP}.get(refusal.field, AREA)
            self.done.errors.append(self._error(row, heading, refusal.message))
            return
        self.done.wanted.append(Wanted(row.number, claim, said))

    def _claim(self, row: Row, seen: dict[str, int]) -> tuple[Claim, int]:
        number = row[self.head[NUMBER]].text.strip()
        if number in seen:
            raise _Cell(NUMBER, f"序号“{number}”与第 {seen[number]} 行重复，请删去一行。")
        seen[number] = row.number
        try:
            pk, version = signing.loads(self.who.get(f"row {number}", ""), salt=SALT)
        except (signing.BadSignature, ValueError, TypeError) as error:
            raise _Cell(NUMBER, f"序号“{number}”不是下载时的，请不要增加行或改序号。") from error
        if pk not in self.claims:
            self.done.foreign = True
            raise _Cell(NUMBER, "这一行不是本村的地块，请删去。")
        return self.claims[pk], version

    def _said(self, row: Row, version: int) -> Said | None:
        """What the row says; None where no area is written (the claim stays as it is)."""
        try:
            area = parse_decimal(row[self.head[AREA]])
        except ValueError as error:
            raise _Cell(AREA, str(error)) from error
        if area is None:
            return None
        text = row[self.head[CROP]].text.strip()
        crop = self.crops.get(text, text)
        return Said(area, crop, row[self.head[REASON]].text.strip(), version)

    def _error(self, row: Row, heading: str, text: str) -> CellError:
        return self.sheet.error(row, self.head[heading], text)


class _Cell(Exception):
    def __init__(self, heading: str, text: str):
        super().__init__(text)
        self.heading, self.text = heading, text


def write(upload: Upload, division: Division, year: int, *, by: User, seen: str) -> Reading:
    """Write what was previewed, or nothing."""
    found = read(upload, division, year, by)
    if found.errors:
        raise Refused(f"有 {len(found.errors)} 处错误，没有写入。请改正后重新上传。")
    if found.fingerprint() != seen:
        raise Refused(CHANGED, code="conflict")
    if found.wanted:
        declare_many(division.town, [(one.claim, one.said) for one in found.wanted], by=by)
    return found
