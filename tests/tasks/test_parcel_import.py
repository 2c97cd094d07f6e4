"""The plain parcel import: what is read, what is refused and where, what is written, and that twice is once."""

from datetime import date
from decimal import Decimal as D

import pytest
from django.core.files.base import ContentFile
from django.db import transaction

from farmland.accounts.models import Event
from farmland.jobs.models import Job, Upload
from farmland.jobs.services import run_pending
from farmland.lib.excel import FileRefused
from parcels.imports.services import PURPOSE, ListFacts
from parcels.models import Listing, Parcel, ParcelList, Work
from tasks.models import Progress
from tasks.parcel_import import NotWritten, confirm, import_now, preview
from tests.parcels.lists import HEAD, csv, row, xlsx
from tests.tasks.land import YEAR, Land

pytestmark = pytest.mark.django_db


@pytest.fixture
def land(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    land = Land()
    non_grain = land.target("non_grain", 285, rule="every")
    land.target("abandonment", 283, parent=non_grain, level="county")
    land.target("illegal_use", 3)
    land.officer = land.person()
    return land


def kept(land, data: bytes, name="第一批.xlsx") -> Upload:
    return Upload.objects.store(
        ContentFile(data), town=land.town, user=land.officer, purpose=PURPOSE, limit=10**8, name=name
    )


def look(land, data: bytes, name="第一批.xlsx", user=None):
    return preview(land.year, kept(land, data, name), user or land.officer).comparison


def bring(land, data: bytes, name="第一批.xlsx", title="第一批") -> int:
    found = preview(land.year, upload := kept(land, data, name), land.officer)
    with transaction.atomic():
        return import_now(land.year, found.checked, found.known, ListFacts(title, upload=upload), by=land.officer)[1]


def said(found) -> dict:
    return {error.address: error.message for error in found.errors}


# What is read


def test_a_row_becomes_a_parcel_a_listing_and_a_work(land):
    assert bring(land, xlsx(row(note="河边"))) == 1

    parcel, listing, work = Parcel.objects.get(), Listing.objects.get(), Work.objects.get()
    assert (parcel.codes, parcel.division.name, parcel.group) == (["500151240722431"], "东村", "六组")
    assert (parcel.gross_mu, parcel.cultivated_mu, parcel.pbf_mu, parcel.net_mu) == (
        D("6.62"), D("6.35"), D("2.2"), D("6.04"),
    )  # fmt: skip
    assert (parcel.land_class, parcel.ground_state, parcel.source) == ("0103", "idle", "stock_nongrain")
    assert (listing.code, listing.serial, listing.list.title) == ("500151240722431", "2", "第一批")
    assert listing.cells["图斑面积（亩）"] == "6.62"
    assert listing.cells["备注"] == "河边"
    assert (work.kind_id, work.year, work.area_mu, work.parcel) == ("abandonment", YEAR, D("6.04"), parcel)


def test_without_a_net_area_the_gross_one_is_planned(land):
    bring(land, xlsx(row(net=None)))

    assert Work.objects.get().area_mu == D("6.62")


def test_units_are_converted_exactly_and_kept_as_issued(land):
    head = ("图斑编号", "村", "任务", "图斑面积（㎡）", "耕地面积(公顷)", "净面积（平方米）")
    bring(land, xlsx(("A1", "东村", "自然撂荒", 4413.33, 0.42, "4,000"), head=head))

    parcel = Parcel.objects.get()
    assert (parcel.gross_mu, parcel.cultivated_mu, parcel.net_mu) == (D("6.6200"), D("6.3"), D(6))
    assert parcel.unit_issued == "square_metre"
    assert Listing.objects.get().cells["图斑面积（㎡）"] == "4413.33"


def test_a_heading_without_a_unit_is_read_as_mu_and_said_so(land):
    head = [one.replace("（亩）", "") for one in HEAD]
    found = look(land, xlsx(row(), head=head))

    assert not found.errors
    assert any("没有写单位，按亩读入" in note for note in found.notes)
    assert found.new[0].values["gross_mu"] == D("6.62")
    stated = look(land, xlsx(row(gross=4413.33), head=head, above=[("单位：平方米",)]))
    assert stated.new[0].values["gross_mu"] == D("6.62")
    assert not any("没有写单位" in note for note in stated.notes)


def test_more_decimals_than_four_are_rounded_once_and_kept_in_the_cells(land):
    found = look(land, xlsx(row(gross=6.123456)))

    assert found.new[0].values["gross_mu"] == D("6.1235")
    assert found.new[0].cells["图斑面积（亩）"] == "6.123456"
    assert any("有 1 格折合亩后多于 4 位小数" in note for note in found.notes)
    again = look(land, xlsx(*(row(f"A{at}", gross=6.123456) for at in range(3)), row("B", gross=6.1234567)))
    assert any("有 4 格折合亩后多于 4 位小数" in note for note in again.notes)


def test_two_codes_in_a_cell_are_two_listings_of_one_parcel(land):
    bring(land, xlsx(row("26966、26947"), row("CL5001510102821")))

    parcel = Parcel.objects.get(codes=["26966", "26947"])
    assert {one.code for one in Listing.objects.filter(parcel=parcel)} == {"26966", "26947"}
    assert len({one.serial for one in Listing.objects.filter(parcel=parcel)}) == 1
    assert Work.objects.filter(parcel=parcel).count() == 1


def test_a_code_is_never_corrected(land):
    bring(land, xlsx(row("500152404SC014412G2"), row(" 500152404SC0113675-GG ")))

    assert set(Listing.objects.values_list("code", flat=True)) == {"500152404SC014412G2", "500152404SC0113675-GG"}


def test_words_are_taken_by_code_name_and_synonym(land):
    village = land.villages["东村"].code
    found = look(
        land,
        xlsx(
            row("A1", village, kind="abandonment", land="旱地", state="抛荒", source="potential"),
            row("A2", land="0103旱地"),
            row("A3", land=103),
            row("A4", land="/", state="", source="—"),
        ),
    )

    assert not found.errors
    assert [one.values["land_class"] for one in found.new] == ["0103", "0103", "0103", ""]
    assert [one.values["ground_state"] for one in found.new] == ["idle", "idle", "idle", ""]
    assert found.new[0].values["source"] == "potential"


def test_unknown_states_and_sources_stay_as_printed_with_a_note(land):
    found = look(land, xlsx(row(state="鱼菜共生", source="群众来信")))

    assert not found.errors
    assert found.new[0].values["ground_state"] == "鱼菜共生"
    assert sum("照原文保存" in note for note in found.notes) == 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-8"])
def test_csv_in_the_encodings_of_excel_and_wps(land, encoding):
    found = look(land, csv(row(), row("A2"), encoding=encoding), name="清单.csv")

    assert not found.errors
    assert [one.codes for one in found.new] == [["500151240722431"], ["A2"]]


def test_every_sheet_with_the_headings_is_read_and_others_are_named(land):
    found = look(land, xlsx(row("A1"), more={"二": [HEAD, row("A2")], "说明": [("填表说明",)]}))

    assert [one.place for one in found.new] == ["清单 第 2 行", "二 第 2 行"]
    assert any("“说明”没有图斑清单的表头" in note for note in found.notes)


def test_a_sum_line_is_no_parcel_and_a_wrong_one_is_said(land):
    found = look(land, xlsx(row("A1", gross=1), row("A2", gross=2), ("合计", "", "", "", 3.5)))

    assert len(found.new) == 2
    assert any("E4 印的合计折 3.5 亩，各行相加为 3 亩" in note for note in found.notes)


# What is refused


@pytest.mark.parametrize(
    ("changes", "cell", "message"),
    [
        pytest.param({"code": None}, "A3", "缺图斑编号", id="no code"),
        pytest.param({"code": 5001512407224310}, "A3", "被存成数字", id="code as a long number"),
        pytest.param({"code": "A1、A1"}, "A3", "同一格里编号重复", id="code twice in a cell"),
        pytest.param({"code": "FIRST"}, "A3", "编号“FIRST”在 清单 第 2 行 已有", id="code twice in the file"),
        pytest.param({"village": "北村"}, "B3", "没有名为“北村”的村，清溪镇的有：东村、西村", id="unknown village"),
        pytest.param({"village": None}, "B3", "缺村名", id="no village"),
        pytest.param({"kind": "撂荒地"}, "D3", "没有名为“撂荒地”的任务，可用的有：", id="unknown kind"),
        pytest.param({"gross": -1}, "E3", "应不小于 0，现为“-1”", id="negative"),
        pytest.param({"gross": "约6亩"}, "E3", "应为数字，现为“约6亩”", id="no number"),
        pytest.param({"gross": 10_000_000}, "E3", "不大于 9,999,999 亩", id="far too much"),
        pytest.param({"gross": "=1+1"}, "E3", "是公式", id="formula"),
        pytest.param({"land": "9999"}, "I3", "没有“9999”这一地类，可用的有：0101 水田", id="unknown class"),
        pytest.param({"land": "0103水田"}, "I3", "代码和名称不一致", id="class at odds with itself"),
        pytest.param({"note": "长" * 301}, "L3", "最长 300 个字", id="too long"),
    ],
)
def test_an_error_names_sheet_cell_value_and_remedy(land, changes, cell, message):
    found = look(land, xlsx(row("FIRST"), row(**({"code": "SECOND"} | changes))))

    assert message in said(found)[f"清单!{cell}"]
    assert said(found)[f"清单!{cell}"].endswith("。")


def test_all_errors_are_told_at_once_and_nothing_is_written(land):
    data = xlsx(row("A1", gross=-1, land="x"), row("A2", village="北村"), row("A3"))
    assert set(said(look(land, data))) == {"清单!E2", "清单!I2", "清单!B3"}
    with pytest.raises(NotWritten, match="有 3 处错误"):
        bring(land, data)

    assert not Parcel.objects.exists()
    assert not ParcelList.objects.exists()


def test_a_value_that_is_wrong_again_is_told_in_every_cell(land):
    """Equal cells are judged once."""
    found = look(
        land, xlsx(row("A1", kind="?"), row("A2"), row("A3", kind="?"), row("A4", gross="x"), row("A5", kind="?"))
    )
    assert [(one.cell, one.message) for one in found.errors if one.cell != "E5"] == [
        (cell, said(found)["清单!D2"]) for cell in ("D2", "D4", "D6")
    ]
    assert said(found)["清单!E5"]


def test_rows_are_written_in_pieces_that_keep_together(land, monkeypatch):
    from parcels.imports import fresh

    monkeypatch.setattr(fresh, "CHUNK", 2)
    kinds = ("自然撂荒", "种植结构调整")
    rows = [row(f"A{at}、B{at}", kind=kinds[at % 2], net=at + 1, note=f"第 {at} 行") for at in range(5)]
    assert bring(land, xlsx(*rows)) == 5

    parcels = {one.codes[0]: one for one in Parcel.objects.select_related("kind")}
    for at in range(5):
        one = parcels[f"A{at}"]
        assert (one.codes, one.kind.name, one.net_mu, one.attrs) == (
            [f"A{at}", f"B{at}"], kinds[at % 2], at + 1, {"note": f"第 {at} 行"},
        )  # fmt: skip
        assert [(work.area_mu, work.kind_id) for work in one.works.all()] == [(at + 1, one.kind_id)]
        listed = {listing.code: listing.cells["备注"] for listing in one.listings.all()}
        assert listed == {f"A{at}": f"第 {at} 行", f"B{at}": f"第 {at} 行"}
    assert [one.codes[0] for one in Parcel.objects.order_by("pk")] == ["A0", "A1", "A2", "A3", "A4"]


def test_rows_beyond_the_users_villages_are_refused_one_by_one(land):
    village_clerk = land.person("official", land.villages["东村"])
    found = look(land, xlsx(row("A1"), row("A2", "西村")), user=village_clerk)

    assert said(found) == {"清单!B3": "“西村”不在您的范围内，请删去这一行，或请有权限的人导入。"}


@pytest.mark.parametrize(
    ("extra", "cell", "message"),
    [("石桥镇", "M2", "是“石桥镇”的图斑"), (None, "", "")],
)
def test_another_towns_rows_are_refused(land, extra, cell, message):
    found = look(land, xlsx((*row(), extra), head=(*HEAD, "乡镇")))

    assert bool(found.errors) == bool(cell)
    if cell:
        assert message in said(found)[f"清单!{cell}"]


def test_a_code_that_repeats_in_another_village_is_not_that_parcel(land):
    """TBBH of some lists is unique in a village only: within a file and against what stands."""
    told = said(look(land, xlsx(row("0001"), row("0001", "西村"))))["清单!A3"]
    assert "标识码" in told
    assert bring(land, xlsx(row("0001"))) == 1
    told = said(look(land, xlsx(row("0001", "西村", gross=9.5))))["清单!A2"]
    assert "在东村已有一个图斑（6.62 亩），面积不同" in told
    assert "标识码" in told
    found = look(land, xlsx(row("0001", "西村")))  # the same area: the village was put right
    assert (found.errors, [one.lines[0][0] for one in found.changed]) == ([], ["村"])
    assert bring(land, xlsx(row("500151240722431", gross=6.6))) == 1
    moved = look(land, xlsx(row("500151240722431", "西村", gross=9.5)))  # unique in the country
    assert (moved.errors, len(moved.changed)) == ([], 1)


def test_another_years_rows_are_refused(land):
    found = look(land, xlsx((*row(), 2023), head=(*HEAD, "年度")))

    assert "是 2023 年的图斑，这里导入的是 2024 年" in said(found)["清单!M2"]


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        pytest.param(b"%PDF-1.7", "a.xlsx", "pdf", id="pdf"),
        pytest.param(b"", "a.csv", "empty-file", id="empty"),
        pytest.param(xlsx(("a", "b"), head=("甲", "乙")), "a.xlsx", "header-missing", id="no headings"),
        pytest.param(xlsx(row(), head=("图斑编号", "甲", *HEAD[2:])), "a.xlsx", "header-missing", id="no village"),
        pytest.param(xlsx((*row(), "x"), head=(*HEAD, "村")), "a.xlsx", "header-repeated", id="two villages"),
        pytest.param(xlsx(row(), head=(*HEAD[:4], "净面积（元）", *HEAD[5:7])), "a.xlsx", "unit-unknown", id="yuan"),
    ],
)  # fmt: skip
def test_what_is_no_list_is_refused_as_a_whole(land, data, name, code):
    with pytest.raises(FileRefused) as refusal:
        look(land, data, name)
    assert refusal.value.code == code


# What stands already


def test_the_same_file_again_changes_nothing(land):
    data = xlsx(row("A1"), row("26966、26947"))
    bring(land, data)
    moments = {(one.pk, one.updated_at, one.version) for one in Parcel.objects.all()}
    events = Event.objects.count()

    assert look(land, data).is_nothing
    assert bring(land, data) == 0
    assert {(one.pk, one.updated_at, one.version) for one in Parcel.objects.all()} == moments
    assert Event.objects.count() == events
    assert ParcelList.objects.count() == 1


def test_a_change_is_shown_before_and_after_and_raises_the_version(land):
    bring(land, xlsx(row("A1"), row("A2")))
    data = xlsx(row("A1", gross=7, net=6.5, state="园地"), row("A2"), row("A3"))
    found = look(land, data)

    assert (len(found.new), len(found.same)) == (1, 1)
    assert found.changed[0].lines == [
        ("图斑面积", "6.62", "7"),
        ("净面积", "6.04", "6.5"),
        ("现状", "idle", "orchard"),
    ]
    bring(land, data)
    changed = Parcel.objects.get(codes=["A1"])
    assert (changed.gross_mu, changed.version) == (7, 2)
    assert Work.objects.get(parcel=changed).area_mu == D("6.5")
    assert Parcel.objects.get(codes=["A2"]).version == 1


def test_a_column_the_list_lacks_changes_nothing(land):
    bring(land, xlsx(row("A1", note="河边")))
    found = look(land, xlsx(("A1", "东村", "自然撂荒"), head=("图斑编号", "村", "任务")))

    assert found.is_nothing
    assert len(found.same) == 1


def test_a_second_list_adds_its_code_and_its_source_and_takes_nothing_away(land):
    bring(land, xlsx(row("A1")))
    bring(land, xlsx(row("A1、B1", source="国家审计")), title="审计")

    parcel = Parcel.objects.get()
    assert parcel.codes == ["A1", "B1"]
    assert (parcel.source, parcel.attrs["sources"]) == ("stock_nongrain", ["national_audit"])
    assert Listing.objects.filter(parcel=parcel).count() == 3
    assert look(land, xlsx(row("A1、B1", source="国家审计"))).is_nothing


def test_village_and_kind_may_change_only_until_something_is_reported(land):
    bring(land, xlsx(row("A1"), row("A2")))
    land.step(Work.objects.get(parcel__codes=["A1"]), "ploughed", 3)
    found = look(land, xlsx(row("A1", "西村"), row("A2", "西村")))

    assert "已有进展，不能改到西村" in said(found)["清单!A2"]
    assert [one.lines for one in found.changed] == [[("村", "东村", "西村")]]
    bring(land, xlsx(row("A2", "西村")))
    assert Work.objects.get(parcel__codes=["A2"]).division.name == "西村"


def test_two_rows_that_are_one_parcel_are_refused(land):
    bring(land, xlsx(row("A1、A2")))

    assert "是同一个图斑" in said(look(land, xlsx(row("A1"), row("A2"))))["清单!A3"]


def test_one_row_over_two_parcels_is_refused(land):
    bring(land, xlsx(row("A1"), row("A2")))

    found = look(land, xlsx(row("A1、A2"), row("A3", gross=-1)))
    assert "不能合成一行" in said(found)["清单!A2"]
    assert (len(found.errors), found.conflicts) == (2, 1)


def test_a_planned_area_that_a_person_set_is_left_alone(land):
    bring(land, xlsx(row("A1")))
    Work.objects.update(area_mu=D(3))
    bring(land, xlsx(row("A1", gross=8, net=7)))

    assert Work.objects.get().area_mu == 3


def test_kinds_that_are_not_worked_off_by_area_get_no_work(land):
    found = look(land, xlsx(row("A1", kind="违法违规占用耕地"), row("A2", kind="存量非粮化整治"), row("A3")))
    bring(land, xlsx(row("A1", kind="违法违规占用耕地"), row("A2", kind="存量非粮化整治"), row("A3")))

    assert sum("不建治理任务" in note for note in found.notes) == 2
    assert [work.parcel.codes for work in Work.objects.all()] == [["A3"]]


def test_area_reported_without_a_parcel_is_pointed_out(land):
    land.step(land.work("东村", "abandonment"), "planted", "12.5")
    found = look(land, xlsx(row("A1"), row("A2", "西村")))

    assert [note for note in found.notes if "未落图面积" in note] == [
        "东村“自然撂荒”已有未落图面积 12.5 亩，导入后两者都算；请把它落到图斑。"
    ]


def test_a_code_counted_in_another_year_is_pointed_out(land):
    bring(land, xlsx(row("A1")))
    Parcel.objects.update(year=YEAR - 1)

    assert any("“A1”（2023 年）" in note for note in look(land, xlsx(row("A1"))).notes)


# The job


def confirmed(land, data: bytes, seen=None) -> Job:
    upload = kept(land, data)
    found = preview(land.year, upload, land.officer).comparison
    facts = ListFacts("第一批", date(2024, 7, 22), upload)
    job = confirm(land.year, facts, seen=seen or found.fingerprint(), user=land.officer)
    run_pending()
    return Job.objects.get(pk=job.pk)


def test_the_job_writes_and_the_figures_follow(land):
    job = confirmed(land, xlsx(row("A1"), row("A2")))

    assert (job.state, job.result["text"]) == ("done", "新增 2 个，变化 0 个，相同 0 个。")
    assert ParcelList.objects.get().received_on == date(2024, 7, 22)
    figure = Progress.objects.get(target__key="abandonment", division=None)
    assert (figure.planned, figure.parcel_total) == (D("12.08"), 2)
    assert set(Parcel.objects.values_list("stage", flat=True)) == {"issued"}


def test_confirming_twice_writes_once(land):
    data = xlsx(row("A1"))
    confirmed(land, data)
    again = confirmed(land, data)

    assert (again.state, again.result["written"]) == ("done", 0)
    assert Parcel.objects.count() == 1


def test_what_changed_since_the_preview_stops_the_import(land):
    upload = kept(land, xlsx(row("A1"), row("A2")))
    seen = preview(land.year, upload, land.officer).comparison.fingerprint()
    bring(land, xlsx(row("A2", gross=1)), title="另一份")
    job = confirm(land.year, ListFacts("第一批", upload=upload), seen=seen, user=land.officer)
    run_pending()
    job.refresh_from_db()

    assert job.state == "failed"
    assert "预览之后数据有变化" in job.error
    assert Parcel.objects.count() == 1


def test_a_closed_year_takes_no_list(land):
    land.year.closed_on = date(2024, 10, 1)
    land.year.save()
    job = confirmed(land, xlsx(row("A1")))

    assert (job.state, Parcel.objects.count()) == ("failed", 0)
    assert "已关账" in job.error


def test_a_breakdown_in_the_middle_leaves_nothing(land, monkeypatch):
    from parcels.imports import services

    def broken(*args):
        raise RuntimeError("disk full")

    monkeypatch.setattr(services, "_write_listings", broken)
    job = confirmed(land, xlsx(row("A1")))

    assert job.state != "done"
    assert (Parcel.objects.count(), Work.objects.count(), ParcelList.objects.count()) == (0, 0, 0)
