"""The lists of plans, duties, land and money: fields, scope, one case per filter, figures as they are written."""

import csv
import io
import json
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
from django.utils import timezone

from farmland.places.models import Office
from parcels.models import Kind, Listing, Overlap, Parcel, ParcelList, Rung, Step, Work
from subsidies.models import Program, Rate
from tasks.models import Finding, Issue, Plan, Progress, RedLineResult, Share, Target

LINES = ["retention", "pbf", "offset", "in_out", "illegal_use"]
FIELDS = {  # contract §3
    "divisions": "code name kind parent town",
    "plans": "town year title document_number issued_on",
    "targets": "key town year kind nature tranche parent rule from_year to_year comparison amount selected unit due_on"
    " counted_level lead_office",
    "village-targets": "target town year kind division division_name amount stated potential_mu",
    "progress": "target_id tranche town year kind division division_name unit target counted gap rate parcel_total"
    " parcel_counted stages state reason forecast_on as_of",
    "red-lines": "town year line unit target actual margin formula state",
    "findings": "town year rule severity place clause stated computed message waived",
    "parcels": "codes town division group year kind source gross_mu cultivated_mu pbf_mu net_mu land_class"
    " ground_state finding stage",
    "issues": "town year serial codes project location division group area_mu cultivated_mu pbf_mu source problem_kind"
    " responsible_division measure measure_stated suggested_measure warnings due_on state",
    "acceptances": "town year kind division parcel level accepted_mu verdict reason accepted_on reverses",
    "programs": "program clause kind treatment component yuan_per_mu basis years",
    "rates": "program clause kind treatment component yuan_per_mu basis years",
}


@pytest.fixture
def kinds(db):
    """The kinds of the common dictionary, by code."""
    return Kind.objects.in_bulk()


@pytest.fixture
def year(places, kinds):
    """Both towns' 2024 in the smallest form: every list has a row for each town, village rows for 新四村 too."""
    for slug, village in (("xihe", "xinsi"), ("shiyu", "erlong")):
        town, home = places[slug], places[village]
        plan = Plan.objects.create(
            town=town, year=2024, title=f"{town}方案", issued_on=date(2024, 4, 15), digest=slug, source=""
        )
        office = Office.objects.create(division=town, name="产业发展服务中心")
        common = {"plan": plan, "town": town, "kind": kinds["in_out"], "unit": "mu", "comparison": "gte"}
        common |= {"from_year": 2024, "to_year": 2024, "clause": "二、"}
        root = Target.objects.create(key="in_out", amount="101", lead_office=office, order=2, **common)
        Target.objects.create(
            key="in_out-new", amount="34", tranche="new", parent=root, counted_level="city", order=1, **common
        )
        Share.objects.create(town=town, target=root, division=home, amount=None, stated="/", potential="12.5")
        figures = {"town": town, "year": 2024, "kind": kinds["in_out"], "target": root, "unit": "mu"}
        figures |= {"as_of": timezone.now(), "stages": {"planted": "3.5"}}
        Progress.objects.create(division=home, amount="7", counted="7", state="met", **figures)
        Progress.objects.create(division=None, amount="101", counted="32", state="at_risk", **figures)
        for line in reversed(LINES):
            RedLineResult.objects.create(
                town=town, year=2024, line=line, unit="mu", state="no_data", formula="", reason="方案没有写。",
                as_of=timezone.now(),
            )  # fmt: skip
        Finding.objects.create(
            plan=plan, town=town, year=2024, rule="C05", severity="error", place="第 1 行", message="不符"
        )
        land(town, home, kinds)
        money(plan, town, kinds)
    RedLineResult.objects.filter(line="retention").update(target="16057.05", actual="15995.15", margin="-61.9")
    return places


def land(town, home, kinds):
    same = {"town": town, "division": home, "year": 2024, "kind": kinds["abandonment"]}
    parcel = Parcel.objects.create(
        codes=["=A1", "B2"], gross_mu="28.1", land_class="0103", source="satellite", finding="real",
        stage="planted", group="三组", **same,
    )  # fmt: skip
    source = ParcelList.objects.create(town=town, year=2024, title="下发清单")
    Listing.objects.create(list=source, town=town, serial="1", code="B2", parcel=parcel)
    layer = ParcelList.objects.create(town=town, year=2024, role="layer", source="redline", title="红线")
    Overlap.objects.create(town=town, division=home, parcel=parcel, layer=layer, by="area", area_mu="3")
    work = Work.objects.create(parcel=parcel, area_mu="28.1", **same)
    Work.objects.create(town=town, division=town, year=2024, kind=kinds["in_out"])
    rungs = Rung.objects.filter(ladder=kinds["abandonment"].ladder)
    rung = rungs.get(level="county")
    step = {"town": town, "work": work, "rung": rung, "on": date(2024, 9, 1)}
    passed = Step.objects.create(area_mu="20", verdict="passed", **step)
    Step.objects.create(area_mu="-5", verdict="revoked", reverses=passed, reason="重复登记", **step)
    Step.objects.create(**step | {"rung": rungs.get(code="planted")}, area_mu="28", verdict="reached")
    Issue.objects.create(
        ledger="annex2", serial="1", codes=["x", "y"], area_mu="70.75", measure="restore", problem_kind="road",
        source="satellite", warnings=["占用永久基本农田"], responsible_division=home, **same,
    )  # fmt: skip


def money(plan, town, kinds):
    program = Program.objects.create(plan=plan, town=town, year=2024, key="idle", name="撂荒地复耕补助")
    same = {"program": program, "town": town, "year": 2024, "clause": "五、", "basis": "county_mu"}
    shrub = Rate.objects.create(
        key="shrub", name="灌木", treatment="shrub", yuan_per_mu="500", components={"till": "300", "plant": "200"},
        order=1, **same,
    )  # fmt: skip
    shrub.kinds.set([kinds["abandonment"], kinds["outflow"]])
    care = Rate.objects.create(
        key="care", name="管护", yuan_per_mu=None, years=[2025, 2027], treatment="care", order=2, **same
    )
    care.kinds.set([kinds["abandonment"]])


def rows(client, name: str, **params) -> list[dict]:
    answer = client.get(f"/api/v1/{name}/", params)
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


@pytest.mark.parametrize("name", FIELDS)
def test_the_fields_of_the_contract_exist(client_for, year, name):
    found = rows(client_for("xihe"), name)
    assert found
    assert {"id", "updated_at", *FIELDS[name].split()} <= set(found[0])


@pytest.mark.parametrize("name", FIELDS)
def test_every_address_of_a_row_gives_that_row(client_for, year, name):
    client = client_for("xihe")
    for row in rows(client, name):
        assert client.get(f"/api/v1/{name}/{row['id']}/").json() == row


@pytest.mark.parametrize("name", FIELDS)
def test_another_town_s_rows_are_not_there(client_for, year, name):
    own = rows(client_for("xihe"), name)
    other = rows(client_for("shiyu"), name)
    assert {row["town"] for row in own} == {"xihe"}
    assert rows(client_for("xihe"), name, town="shiyu") == []
    client = client_for("xihe")
    missing = client.get(f"/api/v1/{name}/0/")
    for row in other:
        answer = client.get(f"/api/v1/{name}/{row['id']}/")
        assert (answer.status_code, answer.content) == (404, missing.content)


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_files_hold_the_rows_of_the_scope(client_for, year, name, format):
    client = client_for("xihe")
    body = client.get(f"/api/v1/{name}/", {"format": format}).getvalue()
    if format == "csv":
        table = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
    else:
        table = list(openpyxl.load_workbook(io.BytesIO(body)).active.iter_rows(values_only=True))
    assert [line[0] for line in table[1:]] == [row["id"] for row in rows(client, name)]
    assert "石鱼" not in str(table)


SEEN_BY_A_VILLAGE = {
    "divisions": 1, "plans": 1, "targets": 2, "village-targets": 1, "progress": 1, "red-lines": 0, "findings": 0,
    "parcels": 1, "issues": 1, "acceptances": 2, "programs": 1, "rates": 7,
}  # fmt: skip


@pytest.mark.parametrize(("name", "count"), SEEN_BY_A_VILLAGE.items())
def test_a_village_head_sees_the_plan_and_the_own_village(client_for, year, name, count):
    assert len(rows(client_for("xinsi", "village_head"), name)) == count


@pytest.mark.parametrize(
    "name", ["divisions", "village-targets", "progress", "parcels", "issues", "acceptances", "red-lines", "findings"]
)
def test_the_next_village_s_head_sees_none_of_its_rows(client_for, year, name):
    head = client_for("shuangyong", "village_head")
    assert [row for row in rows(head, name) if row.get("division", row.get("code")) != "500151-shuangyong"] == []
    assert rows(head, name, **({"division": "500151-xinsi"} if name not in ("red-lines", "findings") else {})) == []


FILTERS = [
    ("plans", {"year": 2024}, {"year": 2023}),
    ("plans", {"town": "xihe"}, {"town": "?"}),
    ("targets", {"kind": "in_out"}, {"kind": "pbf"}),
    ("targets", {"year": 2024}, {"year": "x"}),
    ("targets", {"key": "in_out"}, {"key": "none"}),
    ("targets", {"tranche": "new"}, {"tranche": "old"}),
    ("targets", {"nature": "flow"}, {"nature": "stock"}),
    ("village-targets", {"kind": "in_out"}, {"kind": "pbf"}),
    ("village-targets", {"year": 2024}, {"year": 99999999999999999999}),
    ("village-targets", {"division": "500151-xihe"}, {"division": "500151-shuangyong"}),
    ("village-targets", {}, {"target": "not-an-id"}),
    ("progress", {"kind": "in_out"}, {"kind": "pbf"}),
    ("progress", {"year": 2024}, {"year": 2025}),
    ("progress", {"division": "500151-xinsi"}, {"division": "500151-shuangyong"}),
    ("progress", {"state": "met"}, {"state": "overdue"}),
    ("progress", {}, {"tranche": "new"}),
    ("progress", {}, {"target_id": "00000000-0000-0000-0000-000000000000"}),
    ("red-lines", {"line": "pbf"}, {"line": "none"}),
    ("red-lines", {"state": "no_data"}, {"state": "met"}),
    ("red-lines", {"year": 2024}, {"year": 2023}),
    ("findings", {"rule": "C05"}, {"rule": "C01"}),
    ("findings", {"severity": "error"}, {"severity": "note"}),
    ("findings", {"waived": "false"}, {"waived": "true"}),
    ("findings", {"year": 2024}, {"waived": "maybe"}),
    ("parcels", {"kind": "abandonment"}, {"kind": "in_out"}),
    ("parcels", {"year": 2024}, {"year": 2023}),
    ("parcels", {"division": "500151-xinsi"}, {"division": "500151-shuangyong"}),
    ("parcels", {"source": "satellite"}, {"source": "patrol"}),
    ("parcels", {"land_class": "0103"}, {"land_class": "0101"}),
    ("parcels", {"finding": "real"}, {"finding": "false"}),
    ("parcels", {"stage": "planted"}, {"stage": "issued"}),
    ("parcels", {"code": "B2"}, {"code": "B"}),
    ("parcels", {"list": "下发清单"}, {"list": "红线"}),
    ("parcels", {"overlap": "forbid"}, {"overlap": "parcel"}),
    ("parcels", {"overlap": "any"}, {"overlap": "no such thing"}),
    ("issues", {"kind": "abandonment"}, {"kind": "in_out"}),
    ("issues", {"state": "open"}, {"state": "closed"}),
    ("issues", {"division": "500151-xihe"}, {"division": "500151-shuangyong"}),
    ("issues", {"measure": "restore"}, {"measure": "demolish"}),
    ("issues", {"problem_kind": "road"}, {"problem_kind": "pond"}),
    ("issues", {"source": "satellite"}, {"source": "patrol"}),
    ("issues", {"year": 2024}, {"year": 2023}),
    ("issues", {"is_excluded": "false"}, {"is_excluded": "true"}),
    ("acceptances", {"kind": "abandonment"}, {"kind": "in_out"}),
    ("acceptances", {"year": 2024}, {"year": 2023}),
    ("acceptances", {"division": "500151-xinsi"}, {"division": "500151-shuangyong"}),
    ("acceptances", {"level": "county"}, {"level": "city"}),
    ("acceptances", {"verdict": "passed"}, {"verdict": "returned"}),
    ("acceptances", {}, {"parcel": "00000000-0000-0000-0000-000000000000"}),
    ("programs", {"key": "idle"}, {"key": "none"}),
    ("programs", {"year": 2024}, {"year": 2023}),
    ("programs", {}, {"kind": "in_out"}),
    ("rates", {"kind": "outflow"}, {"kind": "in_out"}),
    ("rates", {"treatment": "shrub"}, {"treatment": "none"}),
    ("rates", {"component": "till"}, {"component": "none"}),
    ("rates", {"year": 2024}, {"year": 2023}),
    ("rates", {}, {"program": "x"}),
]


@pytest.mark.parametrize(("name", "some", "none"), FILTERS)
def test_a_filter_keeps_and_drops(client_for, year, name, some, none):
    client = client_for("xihe")
    every = rows(client, name)
    kept = rows(client, name, **some)
    assert kept
    assert all(row in every for row in kept)
    for field, value in some.items():
        if field not in ("division", "code", "list", "overlap"):
            assert {json.dumps(row[field]).strip('"') for row in kept} == {str(value)}
    assert rows(client, name, **none) == []


@pytest.mark.parametrize("name", [name for name in FIELDS if name != "divisions"])
def test_every_filter_of_a_list_has_a_case(name):
    from farmland.api import LISTS

    (view,) = [one for one in LISTS if one.name == name]
    covered = {field for case, *cases in FILTERS if case == name for params in cases for field in params}
    assert {one.name for one in view.filters} - covered <= {"town"}


def test_programs_are_found_by_the_kinds_of_their_rates(client_for, year):
    assert len(rows(client_for("xihe"), "programs", kind="outflow")) == 1


def test_ids_of_other_rows_lead_there(client_for, year):
    client = client_for("xihe")
    root = rows(client, "targets", key="in_out")[0]
    assert rows(client, "village-targets", target=root["id"])[0]["target"] == root["id"]
    assert len(rows(client, "progress", target_id=root["id"])) == 2
    parcel = rows(client, "parcels")[0]
    assert {row["parcel"] for row in rows(client, "acceptances", parcel=parcel["id"])} == {parcel["id"]}
    program = rows(client, "programs")[0]
    assert len(rows(client, "rates", program=program["id"])) == 7


def test_the_root_target_and_the_whole_town_come_first(client_for, year):
    client = client_for("xihe")
    assert [(row["key"], row["tranche"], row["parent"]) for row in rows(client, "targets")] == [
        ("in_out", None, None),
        ("in_out-new", "new", "in_out"),
    ]
    assert [row["division"] for row in rows(client, "progress")] == [None, "500151-xinsi"]


def test_a_target_says_what_the_plan_is_silent_about(client_for, year):
    root, tranche = rows(client_for("xihe"), "targets")
    assert (root["counted_level"], tranche["counted_level"]) == (None, "city")
    assert (root["lead_office"], tranche["lead_office"]) == ("产业发展服务中心", None)
    assert root["due_on"] is None


def test_a_slash_is_stated_and_has_no_amount(client_for, year):
    (row,) = rows(client_for("xihe"), "village-targets")
    assert (row["amount"], row["stated"], row["potential_mu"]) == (None, "/", "12.5")


def test_progress_shows_gap_and_rate_of_sums(client_for, year):
    whole, village = rows(client_for("xihe"), "progress")
    assert (whole["target"], whole["counted"], whole["gap"], whole["rate"]) == ("101", "32", "69", "0.3168")
    assert (village["gap"], village["rate"]) == ("0", "1.0000")
    assert whole["stages"] == {"planted": "3.5"}
    assert whole["forecast_on"] is None
    assert whole["as_of"].endswith("+08:00")


@pytest.mark.parametrize(
    ("amount", "counted", "gap", "rate"),
    [
        pytest.param("0", "5", "-5", None, id="target 0"),
        pytest.param(None, "5", None, None, id="no target"),
        pytest.param("10", None, None, None, id="nothing surveyed"),
        pytest.param("10", "12.5", "-2.5", "1.2500", id="more than asked"),
        pytest.param("3", "0", "3", "0.0000", id="nothing yet"),
    ],
)
def test_gap_and_rate_at_the_edges(client_for, year, amount, counted, gap, rate):
    Progress.objects.filter(division=None).update(amount=amount, counted=counted)
    row = rows(client_for("xihe"), "progress")[0]
    assert (row["gap"], row["rate"]) == (gap, rate)


def test_red_lines_are_five_for_every_town_and_year(client_for, year):
    found = rows(client_for("county"), "red-lines")
    for town in ("xihe", "shiyu"):
        assert [row["line"] for row in found if row["town"] == town] == LINES
    broken = next(row for row in found if row["line"] == "retention")
    assert (broken["target"], broken["actual"], broken["margin"]) == ("16057.05", "15995.15", "-61.9")
    silent = next(row for row in found if row["line"] == "pbf")
    assert (silent["state"], silent["margin"], silent["reason"]) == ("no_data", None, "方案没有写。")


def test_a_reversal_is_a_negative_row_that_names_the_one_it_reverses(client_for, year):
    passed, revoked = sorted(rows(client_for("xihe"), "acceptances"), key=lambda row: row["verdict"])
    assert (passed["accepted_mu"], passed["reverses"]) == ("20", None)
    assert (revoked["accepted_mu"], revoked["reverses"]) == ("-5", passed["id"])
    assert Decimal(passed["accepted_mu"]) + Decimal(revoked["accepted_mu"]) == 15
    assert (passed["level"], passed["accepted_on"]) == ("county", "2024-09-01")


def test_rates_list_the_whole_and_its_components_by_kind(client_for, year):
    client = client_for("xihe")
    found = rows(client, "rates", kind="outflow")
    assert [(row["component"], row["yuan_per_mu"]) for row in found] == [
        (None, "500"),
        ("till", "300"),
        ("plant", "200"),
    ]
    (care,) = rows(client, "rates", treatment="care")
    assert (care["yuan_per_mu"], care["years"], care["kind"]) == (None, [2025, 2027], "abandonment")
    (program,) = rows(client, "programs")
    assert (program["program"], program["basis"], program["kind"]) == ("撂荒地复耕补助", "county_mu", None)


@pytest.mark.parametrize("ordering", ["id", "-kind", "treatment,-kind", "-year"])
@pytest.mark.parametrize("size", [1, 2, 100])
def test_computed_lists_page_like_the_others(client_for, year, ordering, size):
    client = client_for("county")
    whole = [row["id"] for row in rows(client, "rates", ordering=ordering)]
    assert len(set(whole)) == 14
    forward, address = [], f"/api/v1/rates/?ordering={ordering}&page_size={size}"
    while address:
        body, last = client.get(address).json(), address
        forward += [row["id"] for row in body["results"]]
        address = body["next"]
    backward = []
    while last:
        body = client.get(last).json()
        backward = [row["id"] for row in body["results"]] + backward
        last = body["previous"]
    assert forward == backward == whole


def test_geojson_is_for_parcels_and_a_parcel_without_boundary_has_none(client_for, year):
    client = client_for("xihe")
    answer = client.get("/api/v1/parcels/", {"format": "geojson"})
    assert answer["Content-Type"] == "application/geo+json"
    body = json.loads(answer.getvalue())
    assert body["type"] == "FeatureCollection"
    (feature,) = body["features"]
    assert feature["geometry"] is None
    assert feature["properties"] == rows(client, "parcels")[0]
    assert json.loads(client.get("/api/v1/parcels/", {"format": "geojson", "year": 1999}).getvalue())["features"] == []
    assert client.get("/api/v1/issues/", {"format": "geojson"}).status_code == 400


def test_numbers_of_a_file_are_numbers_and_texts_run_no_formula(client_for, year):
    client = client_for("xihe")
    body = client.get("/api/v1/parcels/", {"format": "xlsx"}).getvalue()
    head, row = openpyxl.load_workbook(io.BytesIO(body)).active.iter_rows()
    cells = dict(zip([cell.value for cell in head], row, strict=True))
    assert (cells["图斑面积（亩）"].data_type, cells["图斑面积（亩）"].value) == ("n", 28.1)
    assert (cells["图斑编号"].data_type, cells["图斑编号"].value) == ("s", "=A1、B2")
    text = client.get("/api/v1/parcels/", {"format": "csv"}).getvalue().decode("utf-8-sig")
    (line,) = csv.DictReader(io.StringIO(text))
    assert (line["图斑面积（亩）"], line["图斑编号"], line["永农面积（亩）"]) == ("28.1", "'=A1、B2", "")


@pytest.mark.parametrize("name", FIELDS)
def test_queries_stay_constant(client_for, year, kinds, name, django_assert_max_num_queries):
    town, home = year["xihe"], year["xinsi"]
    client = client_for("xihe")
    client.get(f"/api/v1/{name}/")
    for _ in range(3):
        Parcel.objects.create(town=town, division=home, year=2024, kind=kinds["in_out"])
        Issue.objects.create(
            town=town, division=home, year=2024, kind=kinds["in_out"], serial=str(Issue.objects.count()), ledger="x"
        )
        program = Program.objects.create(
            plan=Plan.objects.get(town=town), town=town, year=2024, key=str(Program.objects.count()), name="又一项"
        )
        Rate.objects.create(program=program, town=town, year=2024, key="one", name="一项", clause="")
    with django_assert_max_num_queries(5):
        client.get(f"/api/v1/{name}/")


@pytest.mark.parametrize("name", FIELDS)
def test_orderings_of_a_list_work_in_both_directions(client_for, year, name):
    from farmland.api import LISTS

    (view,) = [one for one in LISTS if one.name == name]
    client = client_for("county")
    for field in ("id", *view.ordering):
        up = [row["id"] for row in rows(client, name, ordering=field)]
        down = [row["id"] for row in rows(client, name, ordering=f"-{field},-id")]
        assert up == down[::-1]
        page = client.get(f"/api/v1/{name}/", {"ordering": field, "page_size": 1}).json()
        found = [page["results"][0]["id"]]
        while page["next"]:
            page = client.get(page["next"]).json()
            found.append(page["results"][0]["id"])
        assert found == up
