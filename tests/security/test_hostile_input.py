"""What an attacker sends: every parameter, field, body and method answers with a refusal, never with a fault."""

import json
from urllib.parse import quote, urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from farmland.api import LISTS
from farmland.jobs.models import Upload
from parcels.models import Step
from tests.security.crawl import ROLES, Crawler, body_of, silence
from tests.security.table import lines

pytestmark = pytest.mark.django_db
OFFICIAL = next(role for role in ROLES if role.user == "xihe")
HEAD = next(role for role in ROLES if role.user == "xihe-xinsi")
UNREADABLE = ["%00", "a%00b"]
ODD = [
    "%FF%FE", "%ED%A0%80", quote("\u202e\U0001f33e" + "\u0300" * 50), "-1", "9" * 400, "1e999", "NaN", "2024-13-45",
    "9999-12-31", "0001-01-01", quote("'\"--;/*%s{}"), "..%2F..%2Fetc%2Fpasswd", "[]", "", "%E0%A5%A7", "x" * 3000,
]  # fmt: skip
PAGE_PARAMETERS = {
    "what-if/": "tier at_risk",
    "parcels/": "division kind stage source q page job",
    "acceptances/": "division kind level verdict page saved job for_division for_kind for_parcel for_accepted_mu",
    "issues/": "division measure state source kind warning order page",
    "issues/new/": "clue",
    "issues/ledger.xlsx": "ledger paper",
    "clues/": "state division page",
    "plan/check/": "severity rule waived answer open",
    "users/": "q state page",
    "log/": "who action q since until page",
    "jobs/": "state page",
    "subsidies/audit/": "show batch round program division state page",
    "forms/receipts/{submission}/": "page",
}
WRONG_QUERIES = [
    "page_size=0", "page_size=1001", "page_size=99999999999999999999", "page_size=-1", "page_size=1e3",
    "page_size=%D9%A3", "cursor=x", "cursor=%00", f"cursor={'x' * 3000}", "cursor=W10:1x:y", "ordering=by__password",
    "ordering=-", "ordering=id,", "format=html", "format=json%00", "nothing=1", "page_size=5&page_size=5",
    "updated_since=yesterday", "updated_since=0001-01-01T00:00:00%2B23:59", "updated_since=",
]  # fmt: skip
WRONG_NUMBERS = [
    "NaN", "sNaN", "Infinity", "-Infinity", "1e999", "1e2", "1E-9", "١٢", "１２", "1_0", "0x10", "12,5", "", " ",
    "--1", "0.00001", "100000000", "9" * 400, True, [], {}, [1], {"a": 1}, "1\u0000", "½",
]  # fmt: skip
WRONG_DATES = [
    "2024-13-01",
    "2024-02-30",
    "10/12/2024",
    "",
    "now",
    20241012,
    [],
    True,
    "9999-12-31",
    "0001-01-01",
    "x" * 400,
]
SHORT_ENOUGH = ("\u202e", "'; DROP TABLE x;--", 1.5)  # of the wrong texts, what a free text may be
WRONG_TEXTS = ["\u0000", "a\u0000", "x" * 5000, [], {}, True, 1.5, "\ud800", "\u202e", "'; DROP TABLE x;--"]


@pytest.fixture
def official(land):
    return Sender(land, OFFICIAL)


class Sender:
    """Sends as one role with the effects undone, and answers (status, body)."""

    def __init__(self, land, role):
        self.crawler, self.own = Crawler(land, role), land.objects[role.own]

    def __call__(self, method: str, address: str, **more) -> tuple[int, bytes]:
        with silence():
            answer = self.crawler.call(method, address, **more)
        return answer.status_code, body_of(answer)

    def json(self, address: str, value, **more) -> tuple[int, bytes]:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self("POST", address, data=data, content_type="application/json", **more)

    def form(self, address: str, fields: dict) -> tuple[int, bytes]:
        data = urlencode(fields, errors="surrogatepass").encode()
        return self("POST", address, data=data, content_type="application/x-www-form-urlencoded")

    def page(self, path: str) -> str:
        ids = {"code": self.own.division.code, "upload": self.own.upload.pk, "submission": self.own.submission.pk}
        return f"/{self.own.where}/{path.format(**ids)}"


# Parameters of addresses


@pytest.mark.parametrize("page", PAGE_PARAMETERS)
def test_no_parameter_of_a_page_makes_a_fault(official, page):
    names = PAGE_PARAMETERS[page].split()
    for value in UNREADABLE:
        for name in names:
            assert official("GET", f"{official.page(page)}?{name}={value}")[0] == 400, (name, value)
    for number, value in enumerate(ODD):  # each value at one name at a time, each name with some of them
        name = names[number % len(names)]
        assert official("GET", f"{official.page(page)}?{name}={value}")[0] in (200, 400, 404), (name, value)


def test_no_text_in_the_place_of_a_name_or_number_makes_a_fault(official):
    for path in (
        "/xihe/99999999999999999999/", "/xihe/0/", "/xihe/2024/forms/%00/", "/xihe/2024/forms/%FF/blank/",
        f"/xihe/2024/forms/{'x' * 3000}/", "/xihe/2024/villages/%ED%A0%80/",
        "/xihe/2024/users/99999999999999999999/reset/",
        "/xihe/2024/villages/..%2F..%2Fetc/", "/jobs/00000000-0000-0000-0000-00000000000g/",
        "/%00", "/%2F/evil.example/",
        "/api/v1/parcels/%00/", "/api/v1/divisions/99999999999999999999999/", "/api/v1/divisions/%D9%A3/",
        "/api/v1/rates/x.y.z/", "/api/v1/forms/workbooks/x/", "/api/%FF/", "/static/", "/media/",
        "/static/../manage.py",
        "/static/%2e%2e/manage.py", "/static/..%5cmanage.py", "/media/uploads/", "/.git/config", "/var/secret_key",
    ):  # fmt: skip
        for method in ("GET", "POST"):
            assert official(method, path)[0] in (400, 403, 404, 405), (method, path)


@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "hex", "rot13", "zlib", "idna", "nothing", "utf-8\u00e9"])
def test_the_charset_a_client_names_does_not_decide_how_its_address_is_read(official, charset):
    """UTF-7 could say half a surrogate; hex is no text at all."""
    for address in (official.page("parcels/"), "/api/v1/parcels/", "/login/"):
        kind = f"text/plain; charset={charset}"
        status, _ = official("GET", f"{address}?q=%2B2AA-%41&division=%2B2AA-", content_type=kind)
        assert status in (200, 302, 400, 404), (address, charset)


@pytest.mark.parametrize("view", LISTS, ids=lambda view: view.name)
def test_no_parameter_of_a_list_makes_a_fault(official, view):
    address, names = f"/api/v1/{view.name}/", [one.name for one in view.all_filters]
    for name in names:
        assert official("GET", f"{address}?{name}=%00")[0] == 400, name
    for number, value in enumerate(ODD):
        name = names[number % len(names)]
        assert official("GET", f"{address}?{name}={value}")[0] in (200, 400), (name, value)
    for query in WRONG_QUERIES:
        assert official("GET", f"{address}?{query}")[0] == 400, query


def test_a_cursor_of_another_list_or_ordering_is_refused(official):
    _, body = official("GET", "/api/v1/divisions/?page_size=1")
    cursor = json.loads(body)["next"].partition("cursor=")[2].partition("&")[0]
    assert official("GET", f"/api/v1/divisions/?cursor={cursor}")[0] == 200
    for other in ("parcels/?", "divisions/?ordering=name&", "divisions/?ordering=-code&"):
        assert official("GET", f"/api/v1/{other}cursor={cursor}")[0] == 400, other
    tampered = cursor[:-2] + ("aa" if cursor[-2:] != "aa" else "bb")
    assert official("GET", f"/api/v1/divisions/?cursor={tampered}")[0] == 400


# The door for acceptances


def acceptance(own, **fields) -> dict:
    base = {
        "town": own.town.slug, "year": own.year, "kind": "abandonment", "level": "county", "accepted_mu": "0.5",
        "accepted_on": "2024-10-01", "division": own.division.code, "verdict": "passed",
    }  # fmt: skip
    return base | fields


def test_the_base_of_the_wrong_ones_is_right(official):
    assert official.json("/api/v1/acceptances/", acceptance(official.own))[0] == 201


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        (["accepted_mu"], WRONG_NUMBERS),
        (["declared_mu"], [one for one in WRONG_NUMBERS if one not in ("", " ")]),
        (["accepted_on"], WRONG_DATES),
        (["year"], ["２０２４x", "2024.5", 1e400, "9" * 5000, [], {}, "\u0000", "", 10**30, -1]),
        (["town", "kind", "level", "verdict"], WRONG_TEXTS),
        (["division", "tranche", "reason"], [one for one in WRONG_TEXTS if one not in SHORT_ENOUGH]),
        (["parcel", "reverses"], ["x", "\u0000", 5, [], {}, "00000000", "9" * 500]),
    ],
)  # fmt: skip
def test_every_wrong_field_of_an_acceptance_is_refused(official, fields, values):
    for field in fields:
        for value in values:
            status, body = official.json("/api/v1/acceptances/", acceptance(official.own, **{field: value}))
            assert 400 <= status < 500, (field, value, status)
            assert json.loads(body)["errors"], (field, value)


WRONG_BODIES = [
    b"", b"{", b"[]", b"null", b"1", b'"x"', b"\x00", b"\xff\xfe", b'{"year": NaN}', b'{"year": 1e999}', b"[" * 99_999,
    b'{"town": "\\ud800"}', b'{"\\u0000": 1}', b'{"year": ' + b"9" * 10_000 + b"}", b'{"town": {"town": []}}',
]  # fmt: skip


@pytest.mark.parametrize("body", WRONG_BODIES, ids=range(len(WRONG_BODIES)))
def test_a_body_that_is_no_object_is_refused(official, body):
    status, answer = official.json("/api/v1/acceptances/", body)
    assert status == 400
    assert json.loads(answer)["errors"]


WRONG_TYPES = [
    "text/plain", "application/xml", "", "application/json; charset=hex", "x", "multipart/form-data",
    "multipart/form-data; boundary=", "application/x-www-form-urlencoded; charset=utf-7",
]  # fmt: skip


@pytest.mark.parametrize("kind", WRONG_TYPES)
@pytest.mark.parametrize("address", ["/api/v1/acceptances/", "/api/v1/forms/"])
def test_a_body_of_another_type_than_it_says_is_refused(official, address, kind):
    assert official("POST", address, data=b'{"town": "xihe"}\x00\xff', content_type=kind)[0] in (400, 415)


def test_an_endless_body_is_too_large(official):
    assert official.json("/api/v1/acceptances/", b'{"reason": "' + b"x" * 2_200_000 + b'"}')[0] == 413
    many = "&".join(f"a{number}=1" for number in range(2100)).encode()
    kind = "application/x-www-form-urlencoded"
    assert official("POST", "/api/v1/acceptances/", data=many, content_type=kind)[0] == 413
    assert official("POST", official.page("acceptances/new/"), data=many, content_type=kind)[0] in (400, 413)


@pytest.mark.parametrize("key", ["x" * 101, "a\x00b", "a\x07", "\u00ff" * 101], ids=range(4))
def test_an_idempotency_key_that_is_no_text_is_refused(official, key):
    more = {"HTTP_IDEMPOTENCY_KEY": key}
    assert official.json("/api/v1/acceptances/", acceptance(official.own), **more)[0] == 400
    body = encode_multipart(BOUNDARY, {"file": SimpleUploadedFile("a.xlsx", b"PK")})
    assert official("POST", "/api/v1/forms/", data=body, content_type=MULTIPART_CONTENT, **more)[0] == 400


def test_a_key_used_for_another_acceptance_is_told_and_writes_nothing(official, land):
    from rest_framework.test import APIClient

    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {land.tokens['xihe']}", HTTP_IDEMPOTENCY_KEY="k1")
    first = client.post("/api/v1/acceptances/", acceptance(official.own), format="json")
    again = client.post("/api/v1/acceptances/", acceptance(official.own), format="json")
    other = client.post("/api/v1/acceptances/", acceptance(official.own, accepted_mu="0.7"), format="json")
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 422)
    assert again.json()["id"] == first.json()["id"]
    assert other.json()["errors"][0]["code"] == "key_reused"
    assert Step.objects.filter(key="k1").count() == 1


# Forms of pages


PAGE_FIELDS = {
    "acceptances/new/": "kind level division parcel tranche declared_mu accepted_mu accepted_on verdict reason key",
    "acceptances/{acceptance}/reverse/": "accepted_mu on reason key",
    "plan/check/waive/": "finding reason basis query",
    "issues/new/": "kind project codes division location area_mu cultivated_mu pbf_mu source use due_on note clue",
    "issues/bulk/": "issue on review_on reason confirm",
    "issues/{issue}/edit/": "project codes division area_mu source use key_project due_on note reason version",
    "issues/import/{ledger_file}/confirm/": "ledger title kind seen",
    "patrol/": "division category place note longitude latitude accuracy_m key",
    "clues/{clue}/dismiss/": "reason",
    "clues/{clue}/duplicate/": "of",
    "referrals/new/": "subject source found_on referred_to referred_on number",
    "referrals/{referral}/answer/": "answer answered_on closed version",
    "issues/{issue}/decide/": "measure on due_on review_on reason version",
    "issues/{issue}/done/": "on reason version",
    "issues/{issue}/deliberation/": "level held_on place present agreed conclusion",
    "issues/{issue}/permit/": "permit authority applied_on outcome number decided_on note",
    "issues/permits/{permit}/": "permit applied_on outcome number decided_on version",
    "users/new/": "username name role division office kinds",
    "users/{user}/disable/": "to reason",
    "parcels/import/{listing}/confirm/": "title received_on seen",
    "forms/{code}/uploads/{upload}/confirm/": "seen choice-F7",
}


@pytest.mark.parametrize("page", PAGE_FIELDS)
def test_no_field_of_a_page_makes_a_fault(official, page):
    own = official.own
    ids = {name: getattr(own, name).pk for name in ("issue", "permit", "clue", "referral", "ledger_file")}
    ids |= {"acceptance": own.acceptance.pk, "user": own.user.pk, "listing": own.listing.pk, "code": own.division.code,
           "upload": own.upload.pk}  # fmt: skip
    address = f"/{own.where}/{page.format(**ids)}"
    names = PAGE_FIELDS[page].split()
    for name in names:
        assert official.form(address, {name: "a\x00"})[0] == 400, name
    for value in ("x" * 5000, "١٢", "1e999", "NaN", "2024-99-99", "\u202e" * 40, "[]", "\ud800"):
        assert official.form(address, dict.fromkeys(names, value))[0] in (200, 302, 400, 404), value


PART = b"--x\r\nContent-Disposition: form-data"
BROKEN = [
    b"", b"--x", PART + b'; name="file"; filename="a"\r\n\r\nPK', b"--x\r\n\r\n--x--", b"\x00" * 500,
    PART + b"\r\n\r\n\r\n--x--\r\n",
]  # fmt: skip


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_multipart_body_is_refused(official, body):
    kind = "multipart/form-data; boundary=x"
    for address in (
        official.page("forms/{code}/upload/"),
        official.page("parcels/import/"),
        "/api/v1/forms/",
        "/login/",
    ):
        assert official("POST", address, data=body, content_type=kind)[0] in (302, 400), address


NAMES = [
    "../../../etc/passwd", "..\\..\\x.xlsx", "/etc/passwd", "a\x00b.xlsx", "\u202exslx.exe", "x" * 5000 + ".xlsx", "",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_file_name_never_becomes_a_path(land, settings, name):
    """The bytes lie under their fingerprint, whatever the name says; the name is shown as text."""
    head = Crawler(land, HEAD).client
    before = set(Upload.objects.values_list("pk", flat=True))
    body = encode_multipart(BOUNDARY, {"file": SimpleUploadedFile("a.xlsx", b"PK\x03\x04" + name.encode())})
    body = body.replace(b'filename="a.xlsx"', b'filename="' + name.encode() + b'"')
    own = land.objects["xinsi"]
    with silence():
        address = f"/{own.where}/forms/{own.division.code}/upload/"
        answer = head.generic("POST", address, data=body, content_type=MULTIPART_CONTENT)
    assert answer.status_code in (302, 400)
    for upload in Upload.objects.exclude(pk__in=before):
        assert upload.full_path.resolve().is_relative_to((settings.MEDIA_ROOT / "uploads").resolve())
        assert upload.path.rpartition("/")[2] == upload.sha256
        assert "/" not in upload.name
        assert "\\" not in upload.name
        assert len(upload.name) <= 200


# Methods


def test_no_method_beyond_get_and_post_does_anything(official, land):
    crawler = official.crawler
    for line in (line for line in lines() if line.method == "GET"):
        address = dict(crawler.visits(line))["own"]
        if line.name.startswith("api_") and line.object == "list":
            assert official("HEAD", address) == (200, b""), address
        for method in ("PUT", "PATCH", "DELETE", "TRACE"):
            assert official(method, address)[0] in (302, 403, 404, 405), (method, address)
        assert official("OPTIONS", address)[0] in (200, 302, 404, 405), address
    assert Step.objects.filter(pk=land.objects["xinsi"].acceptance.pk).exists()
