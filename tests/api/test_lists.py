"""What every list does, shown on ``divisions/``."""

import csv
import io
from datetime import timedelta

import openpyxl
import pytest
from django.utils import timezone

from farmland.places.models import Division

DIVISIONS = "/api/v1/divisions/"


def codes(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["code"] for row in answer.json()["results"]]


def test_a_row_has_its_declared_fields(client_for):
    row = client_for("xinsi", "village_head").get(DIVISIONS).json()["results"][0]
    assert list(row) == [
        "id", "code", "name", "kind", "parent", "town", "is_provisional", "is_demo", "updated_at",
    ]  # fmt: skip
    assert isinstance(row["id"], str)
    assert row["updated_at"].endswith("+08:00")
    assert (row["code"], row["parent"], row["town"]) == ("500151-xinsi", "500151-xihe", "xihe")


def test_absent_is_null(client_for):
    row = client_for("county").get(DIVISIONS, {"code": "500151"}).json()["results"][0]
    assert row["parent"] is None
    assert row["town"] is None


def test_a_user_sees_only_the_own_subtree(client_for):
    assert codes(client_for("xihe").get(DIVISIONS)) == ["500151-xihe", "500151-xinsi", "500151-shuangyong"]
    assert codes(client_for("xinsi", "village_head").get(DIVISIONS)) == ["500151-xinsi"]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        pytest.param({"town": "shiyu"}, ["500151-shiyu", "500151-erlong"], id="town"),
        pytest.param({"town": "nowhere"}, [], id="unknown town"),
        pytest.param({"town": ""}, [], id="empty value"),
        pytest.param({"kind": "county"}, ["500151"], id="kind"),
        pytest.param({"code": "500151-xinsi"}, ["500151-xinsi"], id="code"),
        pytest.param({"parent": "500151-shiyu"}, ["500151-erlong"], id="parent"),
        pytest.param({"division": "500151-shiyu"}, ["500151-shiyu", "500151-erlong"], id="division with subtree"),
        pytest.param({"division": "999"}, [], id="unknown division"),
        pytest.param({"town": "xihe", "kind": "town"}, ["500151-xihe"], id="two filters"),
        pytest.param({"updated_since": "2999-01-01"}, [], id="updated_since later"),
    ],
)
def test_filter(client_for, params, found):
    assert codes(client_for("county").get(DIVISIONS, params)) == found


def test_a_value_out_of_scope_gives_no_rows(client_for):
    head = client_for("xinsi", "village_head")
    assert codes(head.get(DIVISIONS, {"division": "500151-shuangyong"})) == []
    assert codes(head.get(DIVISIONS, {"town": "shiyu"})) == []


def test_updated_since_takes_a_row_s_own_moment_and_a_spaced_plus_sign(client_for, places):
    late = timezone.now() + timedelta(hours=1)
    Division.objects.filter(pk=places["xinsi"].pk).update(updated_at=late)
    client = client_for("xihe")
    text = timezone.localtime(late).isoformat()
    assert codes(client.get(DIVISIONS, {"updated_since": text})) == ["500151-xinsi"]
    assert codes(client.get(f"{DIVISIONS}?updated_since={text}")) == ["500151-xinsi"]
    after = (late + timedelta(microseconds=1)).isoformat()
    assert codes(client.get(DIVISIONS, {"updated_since": after})) == []


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        pytest.param("colour=red", "colour", id="unknown parameter"),
        pytest.param("year=2024", "year", id="a field this list has not"),
        pytest.param("page_size=0", "page_size", id="page size 0"),
        pytest.param("page_size=1001", "page_size", id="page size 1001"),
        pytest.param("page_size=x", "page_size", id="page size text"),
        pytest.param("page_size=", "page_size", id="page size empty"),
        pytest.param("ordering=path", "ordering", id="ordering outside the list"),
        pytest.param("ordering=", "ordering", id="ordering empty"),
        pytest.param("updated_since=yesterday", "updated_since", id="malformed moment"),
        pytest.param("updated_since=0001-01-01T00:00:00%2B08:00", "updated_since", id="moment before time"),
        pytest.param("cursor=abc", "cursor", id="made-up cursor"),
        pytest.param("format=xml", "format", id="unknown format"),
        pytest.param("format=geojson", "format", id="geojson is for parcels"),
        pytest.param("town=a%00b", "town", id="NUL"),
        pytest.param("town=%ED%A0%80", "town", id="lone surrogate"),
        pytest.param("town=a&town=b", "town", id="repeated"),
    ],
)
def test_a_wrong_parameter_is_400_and_named_in_chinese(client_for, query, attr):
    answer = client_for("county").get(f"{DIVISIONS}?{query}")
    assert answer.status_code == 400
    body = answer.json()
    assert body["type"] == "validation_error"
    (error,) = body["errors"]
    assert error["attr"] == attr
    assert error["detail"].endswith("。")
    assert set(error) == {"code", "detail", "attr"}


def test_every_wrong_parameter_is_named(client_for):
    errors = client_for("county").get(DIVISIONS, {"a": 1, "b": 2}).json()["errors"]
    assert [error["attr"] for error in errors] == ["a", "b"]


def walk(client, address, step="next") -> list[list[str]]:
    pages = []
    while address:
        body = client.get(address).json()
        pages.append([row["code"] for row in body["results"]])
        address = body[step]
    return pages


@pytest.fixture
def many(places):
    """Forty villages that share seven names, so that every ordering by name has ties."""
    for number in range(40):
        Division.objects.create(
            parent=places["xihe"], kind=f"kind{number % 3}", code=f"v{number:02}", name=f"村{number}"
        )


@pytest.mark.parametrize("ordering", ["id", "-id", "kind", "-kind", "town,-kind", "-updated_at", "name"])
@pytest.mark.parametrize("size", [1, 7, 100])
def test_pages_hold_every_row_once_in_both_directions(client_for, many, ordering, size):
    client = client_for("county")
    whole = codes(client.get(DIVISIONS, {"ordering": ordering, "page_size": 1000}))
    address = f"{DIVISIONS}?ordering={ordering}&page_size={size}"
    pages = walk(client, address)
    assert [code for page in pages for code in page] == whole
    assert len(set(whole)) == len(whole) == 46

    while following := client.get(address).json()["next"]:
        address = following
    backwards = walk(client, address, "previous")
    assert [code for page in reversed(backwards) for code in page] == whole


def test_next_keeps_every_parameter(client_for, many):
    answer = client_for("xihe").get(DIVISIONS, {"page_size": 2, "town": "xihe", "ordering": "-name"}).json()
    assert answer["previous"] is None
    assert answer["next"].startswith("http://testserver/api/v1/divisions/?")
    for part in ("page_size=2", "town=xihe", "ordering=-name", "cursor="):
        assert part in answer["next"]


def test_a_cursor_stays_right_when_rows_come_and_go(client_for, many):
    client = client_for("xihe")
    first = client.get(DIVISIONS, {"page_size": 5, "ordering": "kind"}).json()
    seen = [row["code"] for row in first["results"]]
    Division.objects.filter(code=seen[-1]).delete()
    Division.objects.create(parent=Division.objects.get(slug="xihe"), kind="aaa", code="new", name="新来的村")
    rest = [code for page in walk(client, first["next"]) for code in page]
    assert not set(rest) & set(seen)
    assert "new" not in rest
    assert len(rest) == 43 - 5


def test_a_cursor_serves_only_its_own_ordering(client_for, many):
    client = client_for("xihe")
    following = client.get(DIVISIONS, {"page_size": 2, "ordering": "name"}).json()["next"]
    assert client.get(following.replace("ordering=name", "ordering=kind")).status_code == 400


def test_queries_do_not_grow_with_the_rows(client_for, many, django_assert_num_queries):
    client = client_for("xihe")
    client.get(DIVISIONS)
    for size in (1, 40):
        with django_assert_num_queries(3):  # token, grants, rows
            client.get(DIVISIONS, {"page_size": size})


def test_etag_answers_304_until_something_changes(client_for, places):
    client = client_for("xihe")
    first = client.get(DIVISIONS)
    assert first["Cache-Control"] == "private, no-cache"
    again = client.get(DIVISIONS, HTTP_IF_NONE_MATCH=first["ETag"])
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert again["Cache-Control"] == "private, no-cache"
    places["shuangyong"].delete()
    assert client.get(DIVISIONS, HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 200


def test_etag_changes_with_a_related_row(client_for, places):
    client = client_for("xinsi", "village_head")
    first = client.get(DIVISIONS)
    Division.objects.filter(pk=places["xihe"].pk).update(code="500151-renamed")
    assert client.get(DIVISIONS, HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 200


def test_detail_is_the_same_row(client_for):
    client = client_for("xihe")
    row = client.get(DIVISIONS).json()["results"][1]
    answer = client.get(f"{DIVISIONS}{row['id']}/")
    assert answer.json() == row
    assert client.get(f"{DIVISIONS}{row['id']}/", HTTP_IF_NONE_MATCH=answer["ETag"]).status_code == 304


def test_detail_out_of_scope_equals_a_missing_one(client_for, places):
    client = client_for("xinsi", "village_head")
    foreign = client.get(f"{DIVISIONS}{places['erlong'].pk}/")
    for missing in ("999999", "not-an-id", "%00", "99999999999999999999999"):
        answer = client.get(f"{DIVISIONS}{missing}/")
        assert (answer.status_code, answer.content) == (404, foreign.content)
    assert foreign.json()["errors"][0]["code"] == "not_found"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("tail", ["", "1/"])
def test_lists_are_read_only(client_for, method, tail):
    answer = getattr(client_for("xihe"), method)(f"{DIVISIONS}{tail}", {}, format="json")
    assert answer.status_code == 405
    assert answer.json()["errors"][0]["detail"].startswith(("方法", "此地址"))


def test_head_and_options_answer(client_for):
    client = client_for("xihe")
    assert client.head(DIVISIONS)["ETag"] == client.get(DIVISIONS)["ETag"]
    assert client.options(DIVISIONS).status_code == 200


@pytest.fixture
def odd_names(places):
    names = ["=1+1", "+村", "-村", "@村", "'=x", "普通村", '=HYPERLINK("http://x")']
    for number, name in enumerate(names):
        Division.objects.create(parent=places["xinsi"], kind="group", code=f"odd{number}", name=name)
    return names


def test_csv_is_the_whole_filtered_set_with_bom_and_chinese_headings(client_for, many):
    answer = client_for("xihe").get(DIVISIONS, {"format": "csv", "kind": "kind1", "page_size": 2})
    assert answer.streaming
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Cache-Control"] == "private, no-cache"
    body = answer.getvalue()
    assert body.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
    assert rows[0][:4] == ["编号", "代码", "名称", "类型"]
    assert len(rows) == 1 + 13


def test_csv_texts_run_no_formula_and_read_back_unchanged(client_for, odd_names):
    from farmland.lib.excel import restore

    body = client_for("xihe").get(DIVISIONS, {"format": "csv", "kind": "group"}).getvalue().decode("utf-8-sig")
    cells = [row[2] for row in csv.reader(io.StringIO(body))][1:]
    assert not [cell for cell in cells if cell[0] in "=+-@"]
    assert [restore(cell) for cell in cells] == odd_names


def test_xlsx_texts_are_texts_and_read_back_unchanged(client_for, odd_names):
    answer = client_for("xihe").get(DIVISIONS, {"format": "xlsx", "kind": "group"})
    assert "spreadsheetml" in answer["Content-Type"]
    assert answer["Content-Disposition"].startswith("attachment")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.getvalue())).active
    rows = list(sheet.iter_rows())
    assert [cell.value for cell in rows[0]][:3] == ["编号", "代码", "名称"]
    assert [row[2].value for row in rows[1:]] == odd_names
    assert {row[2].data_type for row in rows} == {"s"}


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_a_file_without_rows_still_has_its_headings(client_for, format):
    body = client_for("xihe").get(DIVISIONS, {"format": format, "town": "nowhere"}).getvalue()
    if format == "csv":
        assert body.decode("utf-8-sig").splitlines()[0].startswith("编号,代码")
    else:
        rows = list(openpyxl.load_workbook(io.BytesIO(body)).active.iter_rows(values_only=True))
        assert rows[0][:2] == ("编号", "代码")
        assert not any(value for row in rows[1:] for value in row)
