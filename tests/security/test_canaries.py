"""Marks planted in the rows of every village and town: nobody is answered with a mark of rows out of scope."""

import io
import json
import re
import zipfile
from urllib.parse import quote

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from farmland.api import LISTS
from tests.security.crawl import ROLES, Answer, Crawler, Role, body_of, silence
from tests.security.world import MARKS, NOBODY
from tests.tasks.form_world import Paper

pytestmark = pytest.mark.django_db
XIHE = {"xinsi", "shuangyong", "xihe"}
SEEN = {  # by user: the places whose rows are in scope
    "": set(),
    "xihe-xinsi": {"xinsi"},
    "xihe-shuangyong": {"shuangyong"},
    **dict.fromkeys(("xihe", "xihe-agri", "xihe-finance", "xihe-discipline", "xihe-leader"), XIHE),
    "erping": {"shizi", "erping"},
    "district": XIHE | {"shizi", "erping"},
    "admin": set(MARKS),
}
NARROW = [role for role in ROLES if role.user in ("xihe-xinsi", "xihe-shuangyong", "xihe", "erping", "district")]
BY_NAME = {role.user: role for role in ROLES}
FOUND = re.compile("|".join(MARKS.values()).encode())
SHOWN_NOWHERE = {  # kept, and on no page
    "ledgerfile", "ledgercell", "worknote", "error", "applied", "appliedcell", "layercode", "layercell",
    "claimfile",  # the village's own
}  # fmt: skip
IN_EVERY_RUN = ("xihe-xinsi", "erping")
each_role = pytest.mark.parametrize("role", NARROW, ids=lambda role: role.user)
some_roles = pytest.mark.parametrize(  # the others in the long proof
    "role",
    [pytest.param(one, marks=[] if one.user in IN_EVERY_RUN else pytest.mark.slow, id=one.user) for one in NARROW],
)


def unpacked(body: bytes) -> bytes:
    """The bytes of every part of a workbook, else the body itself."""
    if not body.startswith(b"PK"):
        return body
    with zipfile.ZipFile(io.BytesIO(body)) as book:
        return b"\n".join(book.read(name) for name in book.namelist())


def marks_in(*pieces: bytes) -> set[str]:
    return {mark.decode() for piece in pieces for mark in FOUND.findall(unpacked(piece))}


def leaked(user: str, *pieces: bytes) -> list[str]:
    """The marks in an answer that this user must not see."""
    return sorted(marks_in(*pieces) - {MARKS[place] for place in SEEN[user]})


def out_of_scope(land, role: Role) -> list:
    return [one for name, one in land.objects.items() if name not in SEEN[role.user]]


@pytest.fixture
def asked(land):
    """``asked(role, address)``: the body; no fault and no mark out of scope in it. ``typed`` may be echoed."""
    crawlers = {role.user: Crawler(land, role) for role in ROLES}

    def ask(role: Role, address: str, method: str = "GET", typed: str = "", **more) -> bytes:
        with silence():
            answer = crawlers[role.user].call(method, address, **more)
        body = body_of(answer).replace(typed.encode(), b"") if typed else body_of(answer)
        assert answer.status_code < 500, (role.user, address)
        assert leaked(role.user, body, str(answer.headers).encode()) == [], (role.user, address)
        return body

    return ask


def leaks(answers: list[Answer]) -> list[str]:
    found = []
    for one in answers:
        if marks := leaked(one.role.user, one.body, str(one.headers).encode()):
            found.append(f"{one} shows {marks}")
    return found


def test_no_answer_of_the_matrix_shows_a_row_of_others(answers):
    assert leaks(answers) == []


def test_every_planted_text_is_shown_to_the_official(land, answers, asked):
    """The control of this module: what is searched for is there to be found."""
    role = BY_NAME["xihe"]
    pieces = [unpacked(one.body) + str(one.headers).encode() for one in answers if one.role == role]
    pieces += [asked(role, f"/api/v1/{view.name}/?page_size=1000") for view in LISTS]
    everything = b"\n".join(pieces)
    missing = {word for word in land.objects["xinsi"].words if word.encode() not in everything}
    assert {re.sub(r"^ZZ[A-Z]+\d{3}", "", word) for word in missing} == SHOWN_NOWHERE


@each_role
def test_no_list_and_no_export_holds_a_row_of_others(asked, role):
    own = 0
    for view in LISTS:
        for query in ("page_size=1000", *(f"format={name}" for name in view.formats)):
            own += bool(marks_in(asked(role, f"/api/v1/{view.name}/?{query}")))
    assert own > 10


@some_roles
def test_no_filter_of_a_list_finds_a_row_of_others(land, asked, role):
    own_towns = {land.objects[name].town for name in SEEN[role.user]}
    for theirs in out_of_scope(land, role):
        code = theirs.division.code
        queries = [f"division={code}", f"code={code}", f"parcel={theirs.parcel.pk}"]
        queries += [f"code={quote(theirs.parcel.codes[0])}", f"receipt={theirs.submission.receipt}"]
        if theirs.town not in own_towns:
            queries += [f"town={theirs.town.slug}", f"target={theirs.target.pk}", f"target_id={theirs.target.pk}"]
            queries += [f"program={theirs.program.pk}"]
        for view in LISTS:
            names = {one.name for one in view.all_filters}
            for query in (one for one in queries if one.partition("=")[0] in names):
                assert b'"results":[]' in asked(role, f"/api/v1/{view.name}/?{query}"), (view.name, query)


@some_roles
def test_no_parameter_of_a_page_brings_up_a_row_of_others(land, asked, role):
    where = f"/{land.objects[role.own].where}"
    for theirs in out_of_scope(land, role):
        code, job = theirs.words[0], theirs.job.pk
        asked(role, f"{where}/parcels/?q={code}", typed=code)
        asked(role, f"{where}/parcels/?division={theirs.division.code}&job={job}")
        asked(role, f"{where}/parcels/?job={job}")
        asked(role, f"{where}/acceptances/?saved={theirs.acceptance.pk}&job={job}")
        asked(role, f"{where}/acceptances/?division={theirs.division.code}")
        asked(role, f"{where}/issues/?division={theirs.division.code}&order=ledger")
        asked(role, f"{where}/plan/check/?answer={theirs.finding.pk}&open={theirs.finding.pk}")
        asked(role, f"{where}/log/?q={theirs.words[-3]}&who={theirs.user.username}", typed=theirs.words[-3])
        asked(role, f"{where}/users/?q={theirs.user.username}", typed=theirs.user.username)


@pytest.mark.parametrize("name", ["division", "parcel", "reverses", "town"])
def test_the_acceptance_door_refuses_a_row_out_of_scope_like_a_missing_one(land, asked, name):
    own, theirs = land.objects["xinsi"], land.objects["shizi"]
    body = {
        "town": own.town.slug, "year": own.year, "kind": "abandonment", "level": "county", "accepted_mu": "1",
        "accepted_on": "2024-10-01", "division": own.division.code,
    }  # fmt: skip
    pairs = {
        "division": (theirs.division.code, "999999"),
        "parcel": (str(theirs.parcel.pk), NOBODY),
        "reverses": (str(theirs.acceptance.pk), NOBODY),
        "town": (theirs.town.slug, "nowhere"),
    }
    said = [
        asked(BY_NAME["xihe"], "/api/v1/acceptances/", "POST", data=json.dumps(body | {name: value}),
              content_type="application/json")
        for value in pairs[name]
    ]  # fmt: skip
    assert said[0] == said[1]
    assert b'"not_found"' in said[0]


def test_a_workbook_of_others_is_refused_like_one_nobody_issued(land, asked):
    """A neighbour's paper, a foreign one, and the own one under a number that was never given out."""
    own = Paper(stored(land.objects["xinsi"].upload))
    for row in own.book["_form"].iter_rows():
        for cell in row:
            if re.fullmatch(r"[0-9a-f]{8}-[0-9a-f-]{27}", str(cell.value)):
                cell.value = NOBODY
    papers = [stored(land.objects["shuangyong"].upload), stored(land.objects["shizi"].upload), own.save()]
    said = {hand_in(asked, BY_NAME["xihe-xinsi"], data) for data in papers}
    assert len(said) == 1
    assert b'"not_found"' in said.pop()


def stored(upload) -> bytes:
    with upload.open() as file:
        return file.read()


def hand_in(asked, role: Role, data: bytes) -> bytes:
    body = encode_multipart(BOUNDARY, {"file": SimpleUploadedFile("a.xlsx", data)})
    return asked(role, "/api/v1/forms/", "POST", data=body, content_type=MULTIPART_CONTENT)


@each_role
def test_no_model_shows_a_planted_row_out_of_scope(land, role):
    """The door itself, without a page before it. A plan and its targets are read by every village of the town."""
    mine = {row for name in SEEN[role.user] for row in planted(land.objects[name])}
    theirs = {row for one in out_of_scope(land, role) for row in planted(one)} - mine
    models = [model for model in apps.get_models() if hasattr(model._default_manager, "visible_to")]
    seen = {row for model in models for row in model.objects.visible_to(land.users[role.user])}
    assert theirs & seen == set()
    assert len(theirs) > 15
    assert mine & seen


def planted(one) -> list:
    return [row for row in vars(one).values() if hasattr(row, "_meta")]


def test_a_village_head_reads_no_figure_of_the_whole_town(asked):
    assert b'"division":null' not in asked(BY_NAME["xihe-xinsi"], "/api/v1/progress/?page_size=1000")
    assert b'"division":null' in asked(BY_NAME["xihe"], "/api/v1/progress/?page_size=1000")
