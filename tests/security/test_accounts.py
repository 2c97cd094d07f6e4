"""Signing in and staying in: sessions, tokens, locks, cookies, CSRF, and what may be given to whom."""

import os
import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.conf import settings as live
from django.contrib.sessions.models import Session
from django.test import Client, RequestFactory
from django.utils import timezone

from farmland import settings as module
from farmland.accounts.addresses import client_address
from farmland.accounts.hashers import Argon2Limited
from farmland.accounts.models import ApiToken, Grant, User
from farmland.accounts.users import create_user
from parcels.models import Kind, Step, Work
from parcels.progress import Ladders
from tasks.forms.undo import why_not_take_back
from tests.security.crawl import BACKEND, ROLES, Crawler, silence
from tests.security.table import lines

pytestmark = pytest.mark.django_db
OFFICIAL = next(role for role in ROLES if role.user == "xihe")


@pytest.fixture
def password(land):
    return (live.VAR / "demo_password").read_text()


def sign_in(client, user, password, **more):
    with silence():
        return client.post("/login/", {"username": user, "password": password}, **more)


def is_in(client) -> bool:
    answer = client.get("/xihe/2024/")
    return answer.status_code == 200


@pytest.fixture
def signed_in(client, land, password):
    assert sign_in(client, "xihe", password).status_code == 302
    return client


# Sessions


def test_signing_in_takes_a_new_session_and_leaves_the_one_that_was_brought(client, password):
    client.get("/login/")
    session = client.session
    session["planted"] = "x"
    session.save()
    client.cookies[live.SESSION_COOKIE_NAME] = before = session.session_key
    sign_in(client, "xihe", password)
    assert client.cookies[live.SESSION_COOKIE_NAME].value != before
    assert not Session.objects.filter(pk=before).exists()


def test_signing_out_ends_the_session_on_the_server(signed_in):
    kept = signed_in.cookies[live.SESSION_COOKIE_NAME].value
    assert is_in(signed_in)
    signed_in.post("/logout/")
    signed_in.cookies[live.SESSION_COOKIE_NAME] = kept
    assert not is_in(signed_in)


def test_a_new_password_ends_every_other_session(signed_in, land, password):
    other = Client()
    sign_in(other, "xihe", password)
    new = "另一个足够长的口令-2024"
    form = {"old_password": password, "new_password1": new, "new_password2": new}
    assert signed_in.post("/password/", form).status_code == 302
    assert is_in(signed_in)
    assert not is_in(other)


def test_a_disabled_user_is_out_at_once_with_session_and_token(signed_in, land):
    key = land.tokens["xihe"]
    api = {"Authorization": f"Token {key}"}
    assert is_in(signed_in)
    assert Client().get("/api/v1/plans/", headers=api).status_code == 200
    User.objects.filter(username="xihe").update(is_active=False)
    assert not is_in(signed_in)
    with silence():
        assert Client().get("/api/v1/plans/", headers=api).status_code == 401
        assert signed_in.get("/api/v1/plans/").status_code == 401


def test_a_grant_that_has_ended_opens_nothing(signed_in, land):
    assert is_in(signed_in)
    yesterday = timezone.localdate() - timedelta(days=1)
    Grant.objects.filter(user__username="xihe").update(valid_to=yesterday)
    with silence():
        assert not is_in(signed_in)
        assert signed_in.get("/api/v1/parcels/").json()["results"] == []


# Tokens


@pytest.mark.parametrize(
    "header",
    ["Token", "Token ", "Token x", "Bearer {key}", "Token {key}x", "Token \u00e9", "token {key} {key}", "{key}"],
)
def test_what_is_no_token_opens_nothing(land, header):
    with silence():
        answer = Client().get("/api/v1/plans/", headers={"Authorization": header.format(key=land.tokens["xihe"])})
        assert answer.status_code == 401
        assert Client().get(f"/api/v1/plans/?token={land.tokens['xihe']}").status_code == 401


def test_a_token_ends_and_is_not_kept_as_it_is(land):
    key = land.tokens["xihe"]
    assert not ApiToken.objects.filter(digest=key).exists()
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with silence():
        assert Client().get("/api/v1/plans/", headers={"Authorization": f"Token {key}"}).status_code == 401


# Locks and what the login page tells


def test_five_failures_lock_this_user_from_this_address_only(land, password):
    def tried(text, address, user="xihe"):
        return sign_in(Client(), user, text, REMOTE_ADDR=address).status_code

    assert [tried("wrong", "10.0.0.1") for _ in range(4)] == [200] * 4
    assert tried("wrong", "10.0.0.1") == 429
    assert tried(password, "10.0.0.1") == 429
    assert tried(password, "10.0.0.2") == 302
    assert tried(password, "10.0.0.1", "erping") == 302


def test_a_made_up_forwarding_header_is_no_other_address(land, password):
    for number in range(5):
        sign_in(Client(), "xihe", "wrong", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=f"10.9.9.{number}")
    answer = sign_in(Client(), "xihe", password, REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="10.9.9.9")
    assert answer.status_code == 429


@pytest.mark.parametrize(
    ("trusted", "forwarded", "found"),
    [
        (False, "10.9.9.9", "10.0.0.1"),
        (True, "10.9.9.9", "10.9.9.9"),
        (True, "1.2.3.4, 10.9.9.9", "10.9.9.9"),
        (True, "", "10.0.0.1"),
        (True, "nonsense", "10.0.0.1"),
        (True, "x" * 500, "10.0.0.1"),
    ],
)
def test_behind_the_one_trusted_proxy_the_address_is_the_one_it_saw(settings, trusted, forwarded, found):
    """Else all users would share the proxy's address, and five wrong passwords would lock a name for everybody."""
    settings.TRUSTED_PROXY = trusted
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == found


def test_the_login_page_does_not_tell_whether_a_user_exists(land, monkeypatch, settings):
    hashed = []
    settings.PASSWORD_HASHERS = ["farmland.accounts.hashers.Argon2Limited"]
    for user in User.objects.filter(username__in=["xihe", "xihe-agri"]):
        user.set_password("right")
        user.save()
    encode, verify = Argon2Limited.encode, Argon2Limited.verify
    monkeypatch.setattr(Argon2Limited, "encode", lambda *args: hashed.append("encode") or encode(*args))
    monkeypatch.setattr(Argon2Limited, "verify", lambda *args: hashed.append("verify") or verify(*args))
    User.objects.filter(username="xihe-agri").update(is_active=False)
    said, work = set(), set()
    for user in ("xihe", "xihe-agri", "nobody-at-all"):
        hashed.clear()
        page = sign_in(Client(), user, "wrong").content.decode()
        said.add(
            re.sub(r'name="csrfmiddlewaretoken" value="\w+"|content="\w{64}"', "", page).replace(f'value="{user}"', "")
        )
        work.add(len(hashed))
    assert len(said) == 1
    assert work == {1}


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "https:evil.example", "\thttps://e.x",
     "http:///evil.example", "/%09/evil.example/../x", "https://testserver@evil.example/"],
)  # fmt: skip
def test_after_signing_in_nobody_is_sent_elsewhere(client, password, target):
    with silence():
        answer = client.post("/login/", {"username": "xihe", "password": password, "next": target})
    assert answer.status_code == 302
    assert re.match(r"/[^/\\]", answer["Location"]) or answer["Location"] == "/"
    assert client.get(f"/login/?next={target}")["Location"].startswith("/")


# The password that must be changed


def test_whoever_must_change_the_password_gets_nowhere_else(land):
    User.objects.filter(username="xihe").update(must_change_password=True)
    crawler = Crawler(land, OFFICIAL)
    for line in lines():
        if line.name in ("password_change", "logout") or line.own["offi"] == 405:
            continue
        answer = crawler.call(line.method, dict(crawler.visits(line))["own"])
        assert (answer.status_code, answer.get("Location")) == (302, "/password/"), line
    assert crawler.call("GET", "/password/").status_code == 200


# CSRF and cookies


def test_every_post_of_a_session_needs_the_token_of_its_page(land):
    crawler = Crawler(land, OFFICIAL)
    crawler.client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    crawler.client.force_login(land.users["xihe"], backend=BACKEND)
    asked = [line for line in lines() if line.method == "POST" and line.own["offi"] != 405 and line.name != "healthz"]
    with silence():
        codes = {line.name: crawler.call("POST", dict(crawler.visits(line))["own"]).status_code for line in asked}
    open_doors = {name for name, code in codes.items() if code != 403} - {"api_nothing"}
    assert open_doors == set()
    assert len(codes) > 15


def test_no_cookie_is_readable_by_a_script_or_sent_from_elsewhere(client, password):
    client.get("/login/")
    sign_in(client, "xihe", password)
    client.post("/xihe/2024/plan/check/waive/", {"reason": "x"})  # leaves a message
    assert set(client.cookies) >= {"sessionid", "csrftoken"}
    for name, cookie in client.cookies.items():
        assert cookie["httponly"], name
        assert cookie["samesite"] == "Lax", name
        assert not cookie["domain"], name


def test_another_host_name_is_refused(client):
    with silence():
        assert client.get("/login/", headers={"Host": "evil.example"}).status_code == 400
        assert client.get("/login/", headers={"X-Forwarded-Host": "evil.example"}).status_code == 200


# Secrets on disk


def test_secrets_are_readable_by_their_owner_only(tmp_path, monkeypatch, land):
    monkeypatch.setattr(module, "VAR", tmp_path)
    monkeypatch.delenv("SECRET_KEY", raising=False)
    key = module.secret_key()
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert len(key) > 80
    assert module.secret_key() == key
    assert (live.VAR / "demo_password").stat().st_mode & 0o777 == 0o600


def test_two_processes_that_start_at_once_have_one_key(tmp_path, monkeypatch):
    def late(draft, path, link=os.link):
        path.write_text("theirs")
        link(draft, path)

    monkeypatch.setattr(module, "VAR", tmp_path)
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.setattr(module.os, "link", late)
    assert module.secret_key() == "theirs"
    assert [one.name for one in tmp_path.iterdir()] == ["secret_key"]


@pytest.mark.parametrize("key", ["short", "x" * 49, "django-insecure-" + "x" * 60])
def test_a_key_that_can_be_guessed_is_refused_at_the_start(monkeypatch, key):
    monkeypatch.setenv("SECRET_KEY", key)
    with pytest.raises(module.ImproperlyConfigured, match="SECRET_KEY"):
        module.secret_key()


# Giving what one does not hold


def wanted(place, **fields) -> dict:
    return {"username": "someone", "name": "某岗位", "role": "village_head", "division": place.pk} | fields


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"role": "administrator"}, "role"),
        ({"role": "district"}, "role"),
        ({"division": "shizi"}, "division"),
        ({"division": "county"}, "division"),
        ({"kinds": ["nothing"]}, "kinds"),
    ],
)
def test_an_official_gives_no_role_and_no_place_beyond_the_own(signed_in, land, change, field):
    places = {"shizi": land.objects["shizi"].division, "county": land.objects["xihe"].division.parent}
    if "division" in change:
        change = {"division": places[change["division"]].pk}
    with silence():
        answer = signed_in.post("/xihe/2024/users/new/", wanted(land.objects["xinsi"].division, **change))
    assert answer.status_code == 400
    assert not User.objects.filter(username="someone").exists()


def test_an_official_for_one_kind_of_task_makes_no_official_for_all(client, land):
    """Who holds a right for some kinds only cannot pass it on for all of them."""
    town = land.objects["xihe"].division
    narrow = User.objects.create(username="narrow")
    Grant.objects.create(user=narrow, role="official", division=town, kinds=["abandonment"])
    client.force_login(narrow, backend=BACKEND)
    with silence():
        for role in ("official", "lead_office"):
            assert client.post("/xihe/2024/users/new/", wanted(town, role=role)).status_code == 400
        target = land.users["xihe"]
        assert client.post(f"/xihe/2024/users/{target.pk}/reset/").status_code == 404
    assert not User.objects.filter(username="someone").exists()


def test_an_official_of_a_village_manages_nobody(client, land):
    village = {"username": "village-official", "name": "某岗位", "division": land.objects["xinsi"].division}
    user, _ = create_user(land.users["admin"], land.objects["xihe"].division, role="official", **village)
    user.must_change_password = False
    user.save()
    client.force_login(user, backend=BACKEND)
    with silence():
        for address in ("users/", "users/new/", f"users/{land.users['xihe'].pk}/reset/", "log/", "plan/check/"):
            assert client.post(f"/xihe/2024/{address}").status_code in (404, 405), address
            assert client.get(f"/xihe/2024/{address}").status_code == 404, address


def test_taking_back_a_form_needs_the_right_for_every_kind_in_it(land):
    """The lead office answers for 撂荒; a form that also reports 耕地恢复 is not its to undo."""
    own = land.objects["xinsi"]
    own.submission.refresh_from_db()
    agri = land.users["xihe-agri"]
    assert why_not_take_back(own.submission, agri) == ""
    other = Kind.objects.get(code="restoration")
    work = SimpleNamespace(**vars(own.parcel.works.get(exit="")))
    made = Work.objects.create(town=own.town, division=own.division, kind=other, year=own.year, tranche="")
    Step.objects.create(
        town=own.town, work=made, rung=Ladders(own.town).rungs("restoration")[2], area_mu=1, verdict="reached",
        on=work.updated_at.date(), by=land.users["xihe-xinsi"], submission=own.submission.pk,
    )  # fmt: skip
    assert "撤回" in why_not_take_back(own.submission, agri)
    assert why_not_take_back(own.submission, land.users["xihe"]) == ""
