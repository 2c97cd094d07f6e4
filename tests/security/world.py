"""The land the attacker walks on: two real towns with their demo data, and marked rows planted in five places.

``Land.objects`` names, by place, one row of everything an address can name. Every text a person can write carries the
place's mark, so a mark found in an answer tells whose row leaked, and is hostile: markup, and a formula.
"""

import io
import json
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace

import shapely
from django.conf import settings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import override_settings
from django.utils import timezone

from farmland.accounts.models import ApiToken, Grant, User, record
from farmland.demo.services import load_demo
from farmland.jobs.models import Job, Upload, WorkerBeat
from farmland.lib.excel import Column, new_sheet, new_workbook
from farmland.lib.photos import made_ready, photo_of
from farmland.places.models import Division
from parcels.evidence_store import ORIGINAL, Place, save
from parcels.models import (
    Evidence,
    EvidenceOutcome,
    ImportTemplate,
    Inspection,
    InspectionItem,
    Kind,
    Listing,
    Overlap,
    Parcel,
    ParcelList,
    Proposal,
    Step,
    Work,
)
from parcels.outcomes import withdraw
from parcels.progress import Ladders
from parcels.shapes import new_shape, set_shape
from subsidies.claiming.claim_form import PURPOSE as CLAIM_FORM
from subsidies.claiming.claim_form import blank
from subsidies.models import (
    Batch,
    BatchLine,
    BatchPaper,
    Calculation,
    Claim,
    Entitlement,
    Fund,
    Objection,
    Payee,
    Payment,
    Program,
    Publicity,
    Rate,
    RateVersion,
    Round,
    Ruling,
)
from subsidies.paying.accounts import encrypt
from tasks.findings import check, waive
from tasks.forms.facts import issue_form
from tasks.forms.incoming import MARKED, PURPOSE
from tasks.models import (
    Clue,
    Deliberation,
    Finding,
    Issue,
    IssueEvent,
    PermitCase,
    Plan,
    Progress,
    RedLineResult,
    Referral,
    Share,
    Submission,
    Target,
    TownYear,
)
from tasks.plan.load import load_plan
from tasks.services import recompute
from tests.parcels.pictures import field, jpeg
from tests.tasks.form_world import Paper

MARKS = {
    "xinsi": "ZZXINSI", "shuangyong": "ZZSHUANGYONG", "xihe": "ZZXIHE", "shizi": "ZZSHIZI", "erping": "ZZERPING",
    "lishan": "ZZLISHAN",
}  # fmt: skip
MARK = "ZZ"
BOUNDARY = shapely.box(106.1, 29.9, 106.101, 29.901)
HOSTILE = "=1+{}<i a='\"&>"  # what it must never be: a formula in a file, a tag in a page
NOBODY = "00000000-0000-7000-8000-000000000000"
MISSING = SimpleNamespace(
    town="nowhere", year=1999, code="999999999999", number=99_999_999, pk=NOBODY, where="nowhere/1999"
)


class Land:
    """Towns, people and planted rows; made once for the package, gone when it is left."""

    def __init__(self):
        for name in ("xihe-2024", "erping-2023"):
            source = (settings.BASE_DIR / "plans" / f"{name}.yaml").read_text(encoding="utf-8")
            plan = load_plan(source).plan
            check(plan)
        load_demo()
        WorkerBeat.objects.create(name="test", beat_at=timezone.now() + timedelta(hours=1))
        self.users = {one.username: one for one in User.objects.all()}
        self.tokens = {name: ApiToken.issue(user) for name, user in self.users.items()}
        xihe, erping = (Division.objects.get(slug=slug) for slug in ("xihe", "erping"))
        self.places = {
            "xinsi": Division.objects.get(town=xihe, name="新四村"),
            "shuangyong": Division.objects.get(town=xihe, name="双永村"),
            "xihe": xihe,
            "shizi": Division.objects.get(town=erping, name="狮子村"),
            "erping": erping,
        }
        self.places |= far_town()
        heads = {"xinsi": "xihe-xinsi", "shuangyong": "xihe-shuangyong", "shizi": "erping-shizi", "lishan": "admin"}
        self.objects = {
            name: Planter(place, MARKS[name], self.users[heads.get(name, name)]).plant()
            for name, place in self.places.items()
        }
        for one, other in (("xinsi", "shuangyong"), ("shuangyong", "xinsi")):  # the same land, listed by both
            mine, theirs = self.objects[one].parcel, self.objects[other].parcel
            Overlap.objects.create(town=xihe, division=mine.division, parcel=mine, other=theirs, by="area", area_mu=9)


def far_town() -> dict[str, Division]:
    """A made-up town of another county, out of reach of the district viewer too."""
    county = Division.objects.create(kind="county", code="990000", name="远山县")
    town = Division.objects.create(
        parent=county, kind="town", code="990000100", name="远山镇", slug="yuanshan", is_tenant=True
    )
    village = Division.objects.create(parent=town, kind="village", code="990000100001", name="里山村")
    TownYear.objects.create(town=town, year=2024, working_date=date(2024, 10, 12))
    plan = Plan.objects.create(town=town, year=2024, title="远山镇方案", digest="far", source="")
    kind = Kind.objects.get(code="abandonment")
    common = {"town": town, "plan": plan, "key": "abandonment"}
    target = Target.objects.create(
        **common, kind=kind, comparison="gte", amount=Decimal(10), unit="mu", from_year=2024, to_year=2024, clause="一"
    )
    Share.objects.create(town=town, target=target, division=village, amount=Decimal(10))
    texts = {"place": "一", "stated": "1", "computed": "2", "message": "不符"}
    Finding.objects.create(town=town, plan=plan, year=2024, rule="C01", severity="error", **texts)
    program = Program.objects.create(**common, year=2024, name="远山镇补助")
    Rate.objects.create(town=town, program=program, year=2024, key="rate", name="标准")
    recompute(town, 2024)
    return {"lishan": village}


class Planter:
    """One row of everything in one place, in the name of one of its people."""

    def __init__(self, division: Division, mark: str, by: User):
        self.division, self.mark, self.by = division, mark, by
        self.town = division.town
        self.plan = Plan.objects.get(town=self.town)
        self.year = self.plan.year
        self.today = TownYear.objects.get(town=self.town, year=self.year).today()
        code = "pbf_fix" if self.town.slug == "erping" else "abandonment"
        self.kind = Kind.objects.get(code=code)
        self.words: list[str] = []

    def word(self, name: str, hostile: str = HOSTILE) -> str:
        """A text of this place as an attacker would write it: a formula for spreadsheets, markup for pages."""
        self.words.append(f"{self.mark}{len(self.words):03}{name}")
        return hostile.format(self.words[-1])

    def plant(self) -> SimpleNamespace:
        found = SimpleNamespace(town=self.town, year=self.year, division=self.division)
        found.where = f"{self.town.slug}/{self.year}"
        found.parcel, work = self.parcel()
        found.work = work
        found.layer, found.layer_file = self.layer(found.parcel), self.layer_file()
        found.acceptance = self.steps(work)
        found.inspection = self.inspection(found.acceptance)
        found.inspection_item = found.inspection.items.get()
        found.evidence = self.evidence(found.parcel)
        found.issue = self.issue()
        found.issue.photos.add(self.photo(None), self.gone(None))
        found.proposal = self.proposal()
        found.permit, found.meeting = self.papers(found.issue)
        found.clue, found.referral = self.patrol()
        found.ledger_file = self.ledger_file()
        found.upload, found.marked, found.submission = self.forms()
        found.listing = self.parcel_file()
        found.job = self.job()
        Submission.objects.filter(pk=found.submission.pk).update(job=found.job.pk)
        found.user = self.person()
        found.finding = self.finding()
        found.plan = self.plan
        found.target = Target.objects.filter(plan=self.plan).first()
        found.share = Share.objects.filter(target__plan=self.plan, division=self.division).first()
        found.progress = Progress.objects.filter(town=self.town, division=self.division).first()
        found.red_line = RedLineResult.objects.filter(town=self.town).first()
        found.claim, found.claim_file, found.entitlement, found.batch = self.money(work)
        found.payee, found.batch_file = self.payee(), self.notice(found.batch)
        self.line(found)
        found.publicity = Publicity.objects.filter(batch=found.batch).first()
        found.fund = Fund.objects.filter(town=self.town).first()
        found.payment = self.paid(found)
        found.forecast = self.forecast(work)
        found.program, found.rate = Program.objects.filter(town=self.town).first(), self.rate()
        found.plan_rate, found.version, found.round, found.calculation = self.computing()
        if self.division == self.town:
            found.progress = Progress.objects.filter(town=self.town, division=None).first()
        record(self.word("action"), self.word("subject"), user=self.by, town=self.town,
               before={"state": self.word("before")}, reason=self.word("why"))  # fmt: skip
        found.words = self.words
        return found

    def parcel(self):
        code = self.word("code")
        parcel = Parcel.objects.create(
            town=self.town, division=self.division, group=self.word("group"), year=self.year, kind=self.kind,
            codes=[code], gross_mu=Decimal("9.5"), attrs={"note": self.word("note")}, source=self.word("source"),
        )  # fmt: skip
        listed = ParcelList.objects.create(town=self.town, year=self.year, title=self.word("list"))
        Listing.objects.create(list=listed, town=self.town, serial="1", code=code, parcel=parcel)
        work = Work.objects.create(
            town=self.town, division=self.division, parcel=parcel, kind=self.kind, year=self.year,
            area_mu=Decimal("9.5"), attrs={"note": self.word("worknote")},
        )  # fmt: skip
        gone = Work.objects.create(
            town=self.town, division=self.division, parcel=parcel, kind=self.kind, year=self.year,
            area_mu=Decimal(1), exit="deferred", exit_reason=self.word("exitreason"), replaces=work,
        )  # fmt: skip
        record(self.word("changed"), f"图斑 {code}", user=self.by, town=self.town, about=parcel.pk,
               before={self.word("key"): self.word("was")}, after={"note": self.word("is")},
               reason=self.word("because"))  # fmt: skip
        set_shape(parcel, BOUNDARY, crs="EPSG:4490")
        return parcel, gone.replaces

    def layer(self, parcel: Parcel) -> ParcelList:
        """A layer with a piece and a code, the place's parcel on it, and a way of reading lists."""
        common = {"town": self.town, "source": "redline", "role": "layer"}
        found = ParcelList.objects.create(**common, year=self.year, title=self.word("layer"))
        new_shape(BOUNDARY, town=self.town, crs="EPSG:4490", layer=found, name=self.word("piece")).save()
        Listing.objects.create(
            town=self.town, list=found, serial="1", code=self.word("layercode"), cells={"名称": self.word("layercell")}
        )
        Overlap.objects.create(
            town=self.town, division=self.division, parcel=parcel, layer=found, by="area", area_mu=9, share=1
        )
        ImportTemplate.objects.create(
            town=self.town, name=self.word("template"), mapping={self.word("heading"): {"field": "codes"}},
            defaults={"kind": self.word("default")},
        )  # fmt: skip
        return found

    def layer_file(self) -> Upload:
        properties = {"名称": self.word("layername"), "图斑编号": self.word("filecode")}
        feature = {"type": "Feature", "properties": properties, "geometry": json.loads(shapely.to_geojson(BOUNDARY))}
        data = json.dumps({"type": "FeatureCollection", "features": [feature]}, ensure_ascii=False).encode()
        file = SimpleUploadedFile(f"{self.word('layerfile')}.geojson", data)
        return Upload.objects.store(file, town=self.town, user=self.by, purpose="layer_import", limit=10**7)

    def steps(self, work: Work) -> Step:
        """A reported step by the place's own person and an acceptance by the town's official."""
        ladders = Ladders(self.town)
        rungs = ladders.rungs(self.kind.code)
        common = {"town": self.town, "work": work, "on": self.today}
        Step.objects.create(
            **common, rung=rungs[2], area_mu=Decimal(3), verdict="reached", by=self.by, note=self.word("stepnote"),
            crop=self.word("crop"),
        )  # fmt: skip
        level = next(rung for rung in rungs if rung.level)
        return Step.objects.create(
            **common, rung=level, area_mu=Decimal(2), verdict="partial", reason=self.word("reason"),
            by=User.objects.filter(username=self.town.slug).first() or self.by,
        )  # fmt: skip

    def paper(self, purpose: str) -> Upload:
        file, place = SimpleUploadedFile(f"{self.word(purpose)}.pdf", b"%PDF-1.4"), {"division": self.division}
        return Upload.objects.store(file, town=self.town, **place, user=self.by, purpose=purpose, limit=10**7)

    def proposal(self) -> Proposal:
        """A refused self-chosen parcel with the holder's paper."""
        paper = self.paper("consent")
        return Proposal.objects.create(
            town=self.town, division=self.division, year=self.year, kind=self.kind, code=self.word("proposalcode"),
            group=self.word("proposalgroup"), area_mu=Decimal(2), land_class="0305", slope=Decimal(30),
            in_redline=True, planned_order=1, consented_on=self.today, consent=paper, note=self.word("proposalnote"),
            state="refused", reason=self.word("proposalreason"), proposed_by=self.by,
        )  # fmt: skip

    def inspection(self, step: Step) -> Inspection:
        """A done batch of the one acceptance, with its signed scan."""
        number = 900 + list(MARKS.values()).index(self.mark)
        scan = Upload.objects.store(
            SimpleUploadedFile(f"{self.word('scan')}.pdf", b"%PDF-1.7 signed"), town=self.town,
            division=self.division, user=self.by, purpose="inspection_signed", limit=100,
        )  # fmt: skip
        batch = Inspection.objects.create(
            town=self.town, division=self.division, year=self.year, kind=self.kind, level=step.rung.level,
            number=number, on=self.today, members=[{"post": self.word("post"), "user": None}],
            copies_to=[self.word("copy")], sample_percent=Decimal(100), seed=self.word("seed")[:40], state="done",
            note=self.word("batchnote"), signed=scan, created_by=self.by,
        )  # fmt: skip
        InspectionItem.objects.create(
            town=self.town, inspection=batch, work=step.work, declared_mu=Decimal(3), verdict="partial",
            accepted_mu=step.area_mu, reason=self.word("itemreason"), step=step,
            measured={"canopy_percent": self.word("measured")},
        )  # fmt: skip
        return batch

    def evidence(self, parcel: Parcel) -> Evidence:
        """A photo with its copies, a withdrawn paper, an answer of the official app."""
        found = self.photo(parcel)
        self.gone(parcel)
        EvidenceOutcome.objects.create(
            town=self.town, division=self.division, parcel=parcel, level="county", verdict="returned",
            reason="no_crop", note=self.word("answer"), on=self.today, by=self.by,
        )  # fmt: skip
        return found

    def material(self, file: SimpleUploadedFile, parcel: Parcel | None, **more) -> Evidence:
        stored = {"town": self.town, "division": self.division, "user": self.by, "limit": 10**7, "purpose": ORIGINAL}
        return save(Place(self.division, parcel, self.by, ""), Upload.objects.store(file, **stored), **more)

    def photo(self, parcel: Parcel | None) -> Evidence:
        picture = jpeg(field((64, 48)))
        file = SimpleUploadedFile(f"{self.word('photofile')}.jpg", picture)
        photo = photo_of(made_ready(io.BytesIO(picture), "JPEG"), file.name)
        place = {"longitude": 106.1, "latitude": 29.9}
        return self.material(
            file, parcel, category="photo", photo=photo, phase="after", note=self.word("photonote"), **place
        )

    def gone(self, parcel: Parcel | None) -> Evidence:
        paper = SimpleUploadedFile(f"{self.word('paperfile')}.pdf", b"%PDF-1.7")
        found = self.material(paper, parcel, category="paper", note="")
        return withdraw(found, by=self.by, reason=self.word("withdrawn"))

    def issue(self) -> Issue:
        return Issue.objects.create(
            town=self.town, year=self.year, kind=Kind.objects.get(code="illegal_use"), ledger=self.mark,
            ledger_title=self.word("ledger"), serial="1", codes=[self.word("issuecode")],
            project=self.word("project"), location=self.word("location"), division=self.division,
            group=self.word("issuegroup"), measure_stated=self.word("measure"), due_stated=self.word("due"),
            due_on=date(self.year, 12, 20), warnings=[self.word("warning")],
            suggestion=dict.fromkeys(("reason", "basis", "clause", "due"), self.word("advice")),
        )  # fmt: skip

    def papers(self, issue: Issue) -> tuple[PermitCase, Deliberation]:
        """What hangs on an issue: its record, a meeting, a permit case."""
        common = {"town": self.town, "issue": issue, "by": self.by}
        IssueEvent.objects.create(
            **common, action="changed", after="open", on=self.today, reason=self.word("eventreason"),
            facts={"坐落": [self.word("factbefore"), self.word("factafter")]}, warnings=[self.word("eventwarning")],
        )  # fmt: skip
        meeting = Deliberation.objects.create(
            **common, level="village", held_on=self.today, present=9, agreed=8, place=self.word("hall"),
            conclusion=self.word("conclusion"), minutes=self.paper("minutes"),
        )  # fmt: skip
        permit = PermitCase.objects.create(
            **common, permit="conversion", applied_on=self.today, authority=self.word("authority"),
            number=self.word("number"), note=self.word("permitnote"),
        )  # fmt: skip
        return permit, meeting

    def patrol(self) -> tuple[Clue, Referral]:
        """A clue of the place, and a problem the town handed on (one per town in sight: it names no village)."""
        common = {"town": self.town, "year": self.year, "by": self.by}
        clue = Clue.objects.create(
            **common, division=self.division, category="idle", place=self.word("place"), note=self.word("cluenote"),
            longitude=106.05, latitude=29.84,
        )  # fmt: skip
        referral = Referral.objects.create(
            **common, subject=self.word("conduct"), found_on=self.today, referred_to=self.word("office"),
            referred_on=self.today, number=self.word("letter"), answer=self.word("answer"), answered_on=self.today,
            outcome="answered",
        )  # fmt: skip
        return clue, referral

    def ledger_file(self) -> Upload:
        file = SimpleUploadedFile(f"{self.word('ledgerfile')}.xlsx", self.workbook("ledgercell"))
        return Upload.objects.store(file, town=self.town, user=self.by, purpose="ledger_import", limit=10**7)

    def forms(self) -> tuple[Upload, Upload, Submission]:
        """A filled workbook waiting for its confirmation, the marked copy of a wrong one, and an applied one."""
        form, data = issue_form(self.division, self.year, self.by)
        paper = Paper(data)
        number = paper.rows()[0]
        paper.fill(number, stage="已种植", area=1, on=self.today.isoformat(), note=self.word("remark", "{}<i a='\"&>"))
        place = {"town": self.town, "division": self.division, "user": self.by, "limit": 10**7}
        upload = Upload.objects.store(
            SimpleUploadedFile(f"{self.word('file')}.xlsx", paper.save()), purpose=PURPOSE, **place
        )
        marked = Upload.objects.store(
            SimpleUploadedFile(f"{self.word('marked')}.xlsx", self.workbook("markedcell")), purpose=MARKED, **place
        )
        common = {"town": self.town, "division": self.division, "year": self.year, "form": form, "user": self.by}
        Submission.objects.create(
            **common, upload=upload, marked=marked, content="a" * 64, state="refused",
            errors=[{"attr": "进度!F7", "detail": self.word("error")}],
        )  # fmt: skip
        applied = Upload.objects.store(
            SimpleUploadedFile(f"{self.word('applied')}.xlsx", self.workbook("appliedcell")), purpose=PURPOSE, **place
        )
        change = {"row": 2, "cell": "进度!F2", "code": self.word("changecode"), "group": self.word("changegroup"),
                  "column": "面积（亩）", "before": None, "after": self.word("after"), "delta_mu": "1"}  # fmt: skip
        submission = Submission.objects.create(
            **common, upload=applied, content="b" * 64, state="applied", receipt=f"{self.mark}-{self.year}-X-0901-K",
            changed_rows=1, changes=[change],
        )  # fmt: skip
        return upload, marked, submission

    def workbook(self, name: str) -> bytes:
        book, data = new_workbook(), io.BytesIO()
        columns = [Column(heading) for heading in ("图斑编号", "村", "任务", "图斑面积（亩）", "备注")]
        row = [self.word(name), self.division.name, self.kind.name, Decimal("1.5"), self.word(name)]
        new_sheet(book, "图斑清单", columns, [row])
        book.save(data)
        return data.getvalue()

    def parcel_file(self) -> Upload:
        file = SimpleUploadedFile(f"{self.word('parcelfile')}.xlsx", self.workbook("cell"))
        return Upload.objects.store(file, town=self.town, user=self.by, purpose="parcel_import", limit=10**7)

    def job(self) -> Job:
        return Job.objects.create(
            kind="recompute", town=self.town, state="failed", error=self.word("joberror"), created_by=self.by,
            progress_text=self.word("progress"), result={"text": self.word("result")}, finished_at=timezone.now(),
        )  # fmt: skip

    def person(self) -> User:
        user = User.objects.create(username=self.word("login", "{}"), last_name=self.word("name"))
        Grant.objects.create(user=user, role="village_head", division=self.division)
        return user

    def finding(self) -> Finding:
        """A waived finding; places of one town share the town's findings, so each takes its own."""
        taken = {"xinsi": 0, "shuangyong": 1, "xihe": 2}.get(self.mark.removeprefix(MARK).lower(), 0)
        found = Finding.objects.filter(plan=self.plan, waived=False).order_by("order")[taken]
        waive(found, by=self.by, reason=self.word("waiver"), basis=self.word("basis"))
        return found

    def computing(self) -> tuple[Rate, RateVersion, Round, Calculation]:
        """A draft nobody can compute, a calculation that was let go, a ruling."""
        rate = Rate.objects.filter(town=self.town).select_related("program").order_by("pk").first()
        text = HOSTILE.format("")  # versions are the plan's, read by every village of the town: no mark of a place
        rule = {"key": rate.key, "name": text, "clause": text, "note": text, "lines": [{"price": text}]}
        version, _ = RateVersion.objects.get_or_create(
            rate=rate, town=self.town, number=900, defaults={"digest": "0" * 64, "reason": text, "rule": rule}
        )
        round_, _ = Round.objects.get_or_create(town=self.town, program=rate.program, year=self.year, label="轮次")
        line = {"change": "new", "rate": rate.key, "name": self.word("linerate"), "subject": "division:x",
                "before": None, "after": "1.00", "state_before": "", "state": "held", "settled": False,
                "adjust": None, "reason": self.word("linereason"), "division": self.division.pk}  # fmt: skip
        made = Calculation.objects.create(
            town=self.town, round=round_, facts_digest="0" * 64, awards=[{"note": self.word("calculationnote")}],
            differences=[line], as_of=timezone.now(), state="discarded", made_by=self.by,
        )  # fmt: skip
        Ruling.objects.create(
            town=self.town, division=self.division, round=round_, rate_key=rate.key, subject="work:x",
            test=self.word("ruledtest"), holds=True, reason=self.word("ruledreason"), by=self.by,
        )  # fmt: skip
        return rate, version, round_, made

    def money(self, work: Work):
        """A claim given back, the form to fill in, an amount that waits, a batch of the town."""
        program = Program.objects.filter(town=self.town).order_by("order").first()
        round, _ = Round.objects.get_or_create(
            town=self.town, program=program, year=self.year, label="管护", is_yearly=True
        )
        place = {"town": self.town, "division": self.division, "round": round, "year": self.year, "work": work}
        claim = Claim.objects.create(
            **place, cap_mu=Decimal(2), declared_mu=Decimal(1), reason=self.word("lessreason"), state="returned",
            crop=self.word("claimcrop")[:40], verdict_reason=self.word("verdict"), submitted_by=self.by,
            is_demo=self.by.is_demo,
        )  # fmt: skip
        data = blank(self.division, self.year, self.by)
        file = Upload.objects.store(
            SimpleUploadedFile(f"{self.word('claimfile')}.xlsx", data), town=self.town, division=self.division,
            user=self.by, purpose=CLAIM_FORM, limit=10**7,
        )  # fmt: skip
        rate = Rate.objects.filter(town=self.town).order_by("order", "pk").first()
        version, _ = RateVersion.objects.get_or_create(
            rate=rate, town=self.town, number=1,
            defaults={"rule": {}, "digest": "0" * 64, "state": "published", "published_at": timezone.now()},
        )  # fmt: skip
        tests = [{"group": "unless", "text": self.word("test"), "found": self.word("found"), "result": "unknown",
                  "clause": self.word("testclause"), "ruled": {"by": "x", "reason": self.word("ruled"),
                                                               "holds": False}}]  # fmt: skip
        entitlement = Entitlement.objects.create(
            **place, claim=claim, program=rate.program, rate_version=version, rate_key=rate.key,
            subject=f"work:{work.pk}", state="held", reason=self.word("heldreason"), facts_digest="0" * 64,
            explanation={"tests": tests, "works": [str(work.pk)]},
            exclusions=[{"text": self.word("exclusion"), "result": "unknown", "clause": ""}], is_demo=self.by.is_demo,
        )  # fmt: skip
        batch = Batch.objects.create(
            town=self.town, program=program, round=round, year=self.year, number=self.word("no", "=1+{}<i>"),
            note=self.word("moneynote"), is_demo=self.by.is_demo,
        )  # fmt: skip
        return claim, file, entitlement, batch

    def forecast(self, work: Work) -> SimpleNamespace:
        """What the accepted work of the place costs next year, by a rate of the town that pays by year."""
        program = Program.objects.filter(town=self.town).order_by("order").first()
        level = next(rung.level for rung in Ladders(self.town).rungs(self.kind.code) if rung.level)
        rate, _ = Rate.objects.get_or_create(
            town=self.town, program=program, year=program.year, key="forecast",
            defaults={
                "name": "管护", "yuan_per_mu": Decimal(300), "years": [program.year + 1], "order": 99,
                "shape": {"base_cap": f"${level}_mu"},
            },
        )  # fmt: skip
        rate.kinds.add(self.kind)
        return SimpleNamespace(pk=f"{work.division_id}.{program.year}.{program.year + 1}")

    def payee(self) -> Payee:
        """An account in use, with a pending change of it."""
        payee = Payee(
            town=self.town, division=self.division, kind="coop", name=self.word("payee"), bank=self.word("bank"),
            tail="1234", fingerprint=self.mark, reason=self.word("payeereason"), state="active", entered_by=self.by,
            confirmed_by=User.objects.exclude(pk=self.by.pk).first(), confirmed_at=timezone.now(),
            is_demo=self.by.is_demo,
        )  # fmt: skip
        payee.account = encrypt("6228480000001234", payee.pk)
        payee.save()
        return payee

    def line(self, found: SimpleNamespace) -> None:
        """What the batch pays to the account, and an adjustment of it; a move that was refused."""
        entitlement = found.entitlement
        common = {"town": self.town, "division": self.division, "batch": found.batch, "payee_kind": "coop"}
        common["is_demo"] = self.by.is_demo
        BatchLine.objects.create(**common, entitlement=entitlement, payee=found.payee, amount=0)
        copied = ("town", "division", "program", "rate_version", "rate_key", "round", "year", "work", "subject")
        Entitlement.objects.create(
            **{name: getattr(entitlement, name) for name in copied}, state="due", amount=Decimal("-1"),
            adjusts=entitlement, reason=self.word("adjustreason"), created_by=self.by, facts_digest="0" * 64,
            is_demo=self.by.is_demo,
        )  # fmt: skip
        record("批准批次（未准）", self.word("refusedbatch"), user=self.by, town=self.town,
               reason=self.word("refusedreason"), about=found.batch.pk)  # fmt: skip

    def paid(self, found: SimpleNamespace) -> Payment:
        """A payment the bank sent back, of a batch that went all its steps."""
        hands = User.objects.exclude(pk=self.by.pk).order_by("pk")[:3]
        adjustment = Entitlement.objects.get(adjusts=found.entitlement)
        common = {"town": self.town, "is_demo": self.by.is_demo}
        batch = Batch.objects.create(
            **common, program=found.batch.program, round=found.batch.round, year=self.year, number=self.word("paidno"),
            total=Decimal("-1"), prepared_by=self.by,
        )  # fmt: skip
        line = BatchLine.objects.create(
            **common, division=self.division, batch=batch, entitlement=adjustment, payee_kind="coop",
            payee=found.payee, amount=Decimal("-1"),
        )  # fmt: skip
        batch.reviewed_by, batch.approved_by, batch.paid_by = hands
        for state in ("reviewed", "published", "approved", "paid"):
            batch.state = state
            batch.save()
        return Payment.objects.create(
            **common, division=self.division, line=line, attempt=1, payee=found.payee, amount=Decimal("-1"),
            result="failed", reason=self.word("sentback"), reference=self.word("voucher"), on=self.today, by=self.by,
        )  # fmt: skip

    def notice(self, batch: Batch) -> Upload:
        """A void posting with an objection, a paper of the checklist, money of a source; the paper's file."""
        shown = Publicity.objects.create(
            town=self.town, batch=batch, number=1, starts_on=self.today, ends_on=self.today, required_days=1,
            place=self.word("wall"), digest="x", state="void", void_reason=self.word("voidreason"), by=self.by,
        )  # fmt: skip
        Objection.objects.create(
            town=self.town, publicity=shown, who=self.word("objector"), what=self.word("objection"), on=self.today,
            state="upheld", answer=self.word("objanswer"), entered_by=self.by, answered_by=self.by,
            answered_at=timezone.now(),
        )  # fmt: skip
        file = Upload.objects.store(
            SimpleUploadedFile(f"{self.word('batchpaper')}.pdf", b"%PDF-1.7"), town=self.town, user=self.by,
            purpose="batch_paper", limit=100,
        )  # fmt: skip
        BatchPaper.objects.create(town=self.town, batch=batch, name=self.word("papername"), upload=file, by=self.by)
        Fund.objects.create(
            town=self.town, program=batch.program, source="county", role="allotted", amount=1, on=self.today,
            document=self.word("funddocument"), reason=self.word("fundreason"), by=self.by,
        )  # fmt: skip
        return file

    def rate(self):
        rate = Rate.objects.filter(town=self.town).prefetch_related("kinds").first()
        kind = next(iter(rate.kinds.all()), None)
        return SimpleNamespace(pk=f"{rate.pk}.{kind.pk}" if kind else str(rate.pk))


@contextmanager
def land(blocker, folder):
    """The land inside one transaction that is rolled back at the end."""
    with blocker.unblock(), override_settings(VAR=folder, MEDIA_ROOT=folder / "media"):
        outer = transaction.atomic()
        outer.__enter__()
        try:
            cache.clear()
            yield Land()
        finally:
            transaction.set_rollback(True)
            outer.__exit__(None, None, None)
