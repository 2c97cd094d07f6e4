"""The shell around every page, the pages without it, and the rules all templates and static files keep."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace as Thing

import pytest
from django.conf import settings as project
from django.forms import CharField, Form
from django.http import HttpResponse
from django.template import engines
from django.template.loader import render_to_string
from django.urls import get_resolver, path, resolve

from farmland import icons
from farmland.context_processors import FOOT, RAIL, Shell, current
from farmland.templatetags import words

TEMPLATES = sorted(Path(project.BASE_DIR, "templates").rglob("*.html"))
STATIC = sorted(path for path in Path(project.BASE_DIR, "static").rglob("*") if path.suffix in {".css", ".js", ".svg"})
HOSTILE = "<script>alert(1)</script>\"'&"


def answer(request, **kwargs):
    return HttpResponse("")


urlpatterns = [
    path("", answer, name="dashboard"),
    path("login/", answer, name="login"),
    path("logout/", answer, name="logout"),
    path("<slug:town>/<int:year>/", answer, name="dashboard_town"),
    path("<slug:town>/<int:year>/plan/", answer, name="plan_detail"),
    path("<slug:town>/<int:year>/plan/check/", answer, name="plan_check"),
    path("<slug:town>/<int:year>/what-if/", answer, name="what_if"),
    path("<slug:town>/<int:year>/forms/", answer, name="form_home"),
    path("<slug:town>/<int:year>/acceptances/", answer, name="acceptance_list"),
    path("<slug:town>/<int:year>/users/", answer, name="user_list"),
]


@pytest.fixture(autouse=True)
def plain_static(settings):
    """Static addresses without the manifest that collectstatic makes; only our few addresses exist."""
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    settings.ROOT_URLCONF = "tests.test_shell"


class Person:
    """Answers for the whole town, or for one village; may manage users or not."""

    is_authenticated = True
    role_label = "专班办公室"

    def __init__(self, *, whole=True, manages=True):
        self.whole, self.manages = whole, manages

    def __str__(self):
        return "某干部"

    def sees_whole(self, division):
        return self.whole

    def can(self, action, division=None):
        return self.manages or action != "manage_users"


def town(name: str, slug: str):
    return Thing(name=name, slug=slug, path=f"/{slug}/")


def page_for(rf, user, shell=None, address="/xihe/2024/", template="base.html"):
    request = rf.get(address)
    request.user, request.resolver_match = user, resolve(address)
    if shell:
        request.shell = shell
    return render_to_string(template, {"messages": []}, request)


def xihe(**more) -> Shell:
    here, there = town("西河镇", "xihe"), town("二坪镇", "erping")
    years = [Thing(town=here, year=2024), Thing(town=there, year=2023)]
    return Shell(town=here, year=2024, town_years=years, **more)


def names_of(patterns, before=""):
    for one in patterns:
        if hasattr(one, "url_patterns"):
            yield from names_of(one.url_patterns, f"{before}{one.pattern}")
        elif "<slug:town>" in f"{before}{one.pattern}":
            yield one.name


def test_every_page_of_a_town_has_its_place_in_the_rail():
    items = (*RAIL, *FOOT)
    names = set(names_of(get_resolver("farmland.urls").url_patterns))
    assert len(names) > 100
    assert not [name for name in names if not any(current(item, name, "") for item in items)]


def test_the_rail_has_what_resolves_and_knows_where_we_are(rf):
    drawn = page_for(rf, Person(), xihe(counts={"acceptance_list": 11}), "/xihe/2024/plan/check/")

    assert 'href="/xihe/2024/plan/" aria-current="page"' in drawn
    assert drawn.count('aria-current="page"') == 1
    assert "推演" in drawn
    assert "图斑</a>" not in drawn  # no such address here
    assert "待办 </span>11" in drawn


def test_a_village_head_finds_the_form_first_and_nothing_of_the_whole_town(rf):
    drawn = page_for(rf, Person(whole=False, manages=False), xihe())
    rail = drawn[drawn.index('class="rail"') : drawn.index("</nav>")]

    assert rail.index("</svg>填报") < rail.index("</svg>总览")
    assert "推演" not in rail
    assert "验收" not in rail
    assert "系统" not in rail


def test_the_bar_tells_town_day_and_moment(rf):
    shell = xihe(demo=True, working_date=date(2024, 10, 12), as_of=datetime(2024, 10, 12, 9, 0, tzinfo=UTC))
    drawn = page_for(rf, Person(), shell)

    assert "演示数据" in drawn
    assert "2024-10-12</time>" in drawn
    assert "2024-10-12 17:00</time>" in drawn
    assert 'href="/erping/2023/"' in drawn
    assert 'href="/xihe/2024/" aria-current="true"' in drawn
    assert '<form method="post" action="/logout/" data-logout>' in drawn


def test_without_a_shell_the_page_still_stands(rf):
    drawn = page_for(rf, Person(), None, "/")

    assert "演示数据" not in drawn
    assert "数据截至" not in drawn
    assert '<main class="main" id="main"' in drawn


def test_a_hostile_town_name_stays_text(rf):
    shell = Shell(town=Thing(name=HOSTILE, slug="x", path="/"), year=2024, town_years=[])

    assert "<script>alert" not in page_for(rf, Person(), shell)


@pytest.mark.parametrize("template", ["base.html", "base_phone.html"])
def test_the_shell_has_landmarks_and_a_skip_link(rf, template):
    drawn = page_for(rf, Person(), xihe(), template=template)

    for part in ('<a class="skip" href="#main">', "<main", "<nav", "<header", 'lang="zh-Hans"'):
        assert part in drawn


def test_scripts_are_files_of_our_own(rf):
    drawn = page_for(rf, Person(), xihe())

    assert re.findall(r"<script\b[^>]*>(.*?)</script>", drawn, re.S) == ["", ""]
    assert all(src.startswith("/static/") for src in re.findall(r'<script[^>]* src="([^"]*)"', drawn))


# Pages without the shell


@pytest.mark.parametrize(
    "name", ["400.html", "403.html", "403_csrf.html", "404.html", "413.html", "accounts/locked.html"]
)
def test_error_pages_need_no_context(name):
    drawn = render_to_string(name)

    assert drawn.count("<h1") == 1
    assert "守田" in drawn


def test_the_500_page_needs_nothing_but_itself():
    source = Path(project.BASE_DIR, "templates", "500.html").read_text()

    assert "{%" not in source
    assert "{{" not in source


def test_demo_logins_are_told_only_on_a_demo():
    class Login(Form):
        username = CharField()
        password = CharField()

    told = render_to_string("accounts/login.html", {"form": Login(), "demo_logins": [("xihe", "西河镇")]})
    plain = render_to_string("accounts/login.html", {"form": Login()})

    assert "演示系统" in told
    assert "西河镇" in told
    assert "演示" not in plain


def test_the_password_page_draws_its_three_fields():
    class Change(Form):
        old_password = new_password1 = CharField()
        new_password2 = CharField()
        new_password1 = CharField()

    drawn = render_to_string("accounts/password_change.html", {"form": Change(), "must_change": True})

    assert "临时密码" in drawn
    assert drawn.count('class="input"') == 3


# Rules every template and static file keeps


RULES = [
    pytest.param(re.compile(r"\sstyle\s*=", re.I), id="no inline style"),
    pytest.param(re.compile(r"<style\b", re.I), id="no style element"),
    pytest.param(re.compile(r"\son[a-z]+\s*=\s*[\"']", re.I), id="no inline handler"),
    pytest.param(re.compile(r"\shx-on[:\w-]*\s*=|\shx-vals\s*=\s*[\"']js:", re.I), id="no htmx eval"),
    pytest.param(re.compile(r"<script(?![^>]*\bsrc=)", re.I), id="no inline script"),
    pytest.param(re.compile(r"javascript:", re.I), id="no script address"),
    pytest.param(re.compile(r"https?://|src=[\"']//", re.I), id="no foreign address"),
    pytest.param(re.compile(r"\|\s*safe\b|autoescape off"), id="nothing unescaped"),
]


@pytest.mark.parametrize("rule", RULES)
def test_no_template_breaks_the_policy(rule):
    broken = [f"{path.name}: {found.group()}" for path in TEMPLATES if (found := rule.search(path.read_text()))]

    assert TEMPLATES
    assert broken == []


def test_templates_parse():
    for one in TEMPLATES:
        engines["django"].get_template(str(one.relative_to(Path(project.BASE_DIR, "templates"))))


def test_static_files_name_no_foreign_address():
    namespace = "http://www.w3.org/2000/svg"
    named = [one.name for one in STATIC if re.search(r"https?://", one.read_text().replace(namespace, ""))]

    assert STATIC
    assert named == []


def test_the_script_evaluates_nothing():
    source = Path(project.BASE_DIR, "static", "app.js").read_text()

    assert not re.search(r"\beval\(|new Function|innerHTML|document\.write", source)


def test_the_sheet_stays_within_old_browsers_and_the_page_budget():
    source = Path(project.BASE_DIR, "static", "farmland.css").read_text()
    rules = re.sub(r"/\*.*?\*/", "", source, flags=re.S)

    assert not re.search(r"@layer|:has\(|color-mix\(|@import|\n\s*&", rules)
    assert len(source.encode()) < 80_000


def test_every_icon_and_ground_is_in_the_sprite():
    drawn = icons.sprite()

    for name in icons.ICONS:
        assert f'id="i-{name}"' in drawn
    for tier in words.TIERS:
        assert tier in {"accepted", "open"} or f'id="t-{tier}"' in drawn
