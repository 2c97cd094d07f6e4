"""Every address of the resolver, asked by every role, about every kind of object; each call in a savepoint."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookies import SimpleCookie
from types import SimpleNamespace

from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, get_resolver

from tests.security.table import NAMELESS, OF_A_DIVISION, Line, lines
from tests.security.world import MISSING, Land

BACKEND = "django.contrib.auth.backends.ModelBackend"


@dataclass(frozen=True)
class Role:
    """A person with a column of the table, what is theirs, and what is not (names of places)."""

    user: str
    column: str
    own: str
    sibling: str = ""
    foreign: str = ""
    thorough: bool = False  # asked everything in every run; the others only where roles differ, about their own


ROLES = [
    Role("", "anon", "xinsi"),
    Role("xihe-xinsi", "head", "xinsi", "shuangyong", "shizi", thorough=True),
    Role("xihe-shuangyong", "head", "shuangyong", "xinsi", "shizi"),
    Role("xihe-agri", "agri", "xinsi", "", "shizi"),
    Role("xihe-finance", "fin", "xinsi", "", "shizi"),
    Role("xihe-discipline", "disc", "xinsi", "", "shizi"),
    Role("xihe-leader", "lead", "xinsi", "", "shizi"),
    Role("district", "dist", "xinsi", "", "lishan", thorough=True),
    Role("xihe", "offi", "xinsi", "", "shizi", thorough=True),
    Role("erping", "offi", "shizi", "", "xinsi", thorough=True),
    Role("admin", "admin", "xinsi"),
]


@dataclass(frozen=True)
class Answer:
    """One call and what came back."""

    line: Line
    role: Role
    whose: str  # own, sibling, mixed, missing, foreign, nowhere
    address: str
    status: int
    headers: dict[str, str]
    body: bytes

    def __str__(self):
        who = self.role.user or "nobody"
        return f"{who} {self.line.method} {self.address} ({self.whose} {self.line.object}): {self.status}"


def routes() -> dict[str, list[str]]:
    """The route of every address of the resolver, by name; two of one name or a nameless one is an error."""
    found = {}
    for route, name in walk(get_resolver().url_patterns):
        name = "api_nothing" if route.startswith("api/^") else name
        if not name or name in found:
            raise AssertionError(f"every address needs a name of its own: {route} {name}")
        found[name] = route
    return found


def walk(patterns, prefix: str = "") -> Iterator[tuple[str, str]]:
    for one in patterns:
        route = prefix + str(one.pattern)
        if isinstance(one, URLPattern):
            yield route, one.name
        else:
            yield from walk(one.url_patterns, route)


class Crawler:
    """Asks in the name of one role."""

    def __init__(self, land: Land, role: Role, token: bool = False):
        self.land, self.role, self.routes = land, role, routes()
        self.client = Client(raise_request_exception=False)
        self.headers = {}
        if token:
            self.headers = {"Authorization": f"Token {land.tokens[role.user]}"}
        elif role.user:
            self.client.force_login(land.users[role.user], backend=BACKEND)

    def visits(self, line: Line) -> Iterator[tuple[str, str]]:
        """(whose, address) for each kind of object this role is asked about."""
        own = self.land.objects[self.role.own]
        yield "own", self.address(line, own, own)
        if line.object in NAMELESS:
            return
        foreign = self.land.objects[self.role.foreign or "shizi"]
        if line.is_page_of_a_town:
            yield "nowhere", self.address(line, MISSING, MISSING)
            if self.role.foreign:
                yield "foreign", self.address(line, foreign, foreign)
        if line.object == "town":
            return
        yield "missing", self.address(line, own, MISSING)
        if self.role.foreign or line.is_page_of_a_town:
            yield "mixed", self.address(line, own, foreign)
        if self.role.sibling and line.object in OF_A_DIVISION:
            yield "sibling", self.address(line, own, self.land.objects[self.role.sibling])

    def address(self, line: Line, where: SimpleNamespace, what: SimpleNamespace) -> str:
        thing = getattr(what, line.object, None)
        division = getattr(what, "division", None)
        code = division.code if division else MISSING.code
        pk = getattr(thing, "pk", MISSING.number if line.object in ("user", "division") else MISSING.pk)
        path = self.routes[line.name].replace("^(?:.*/)?$", "v1/nothing-here/")
        for name, value in (("<slug:town>/<int:year>", where.where), ("<str:code>", code), ("<uuid:pk>", pk),
                            ("<int:pk>", pk), ("<uuid:id>", pk), ("<str:id>", pk)):  # fmt: skip
            path = path.replace(name, str(value))
        if line.object == "place":
            path += f"?town={where.where.partition('/')[0]}&year={where.where.partition('/')[2]}&division={code}"
        return f"/{path}"

    def ask(self, line: Line, whose: str, address: str) -> Answer:
        answer = self.call(line.method, address)
        return Answer(line, self.role, whose, address, answer.status_code, dict(answer.headers), body_of(answer))

    def call(self, method: str, address: str, **more) -> HttpResponse:
        """One request whose every effect is undone."""
        cookies = {name: one.value for name, one in self.client.cookies.items()}
        with transaction.atomic():
            answer = self.client.generic(method, address, headers=self.headers, **more)
            body_of(answer)
            transaction.set_rollback(True)
        self.client.cookies = SimpleCookie(cookies)
        return answer


def body_of(answer) -> bytes:
    """The whole body; a streamed one is read once and kept. The test client closes the answer: a second close would
    close the connection the land stands on."""
    if not hasattr(answer, "read_body"):
        answer.read_body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer.read_body


def crawl(land: Land, roles: list[Role], *, token: bool = False, whole: bool = False) -> list[Answer]:
    """All answers. ``token``: to the API, with tokens; ``whole``: every role about every kind of object.

    Else the thorough roles leave out the rows of others where the method is refused anyway, the other roles all but
    their own rows at addresses that tell roles apart.
    """
    cache.clear()  # of throttles
    found = []
    with silence():
        for role in roles:
            crawler, all_of_it = Crawler(land, role, token), whole or role.thorough
            for line in lines():
                if (token and not line.name.startswith("api_")) or not (all_of_it or line.tells_roles_apart):
                    continue
                with_others = whole or (role.thorough and line.own[role.column] != 405)
                visits = [one for one in crawler.visits(line) if with_others or one[0] == "own"]
                found += [crawler.ask(line, *visit) for visit in visits]
    cache.clear()
    return found


@contextmanager
def silence():
    """No log lines: the attacker's refused requests are thousands."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def wrong(answers: list[Answer]) -> list[str]:
    """The answers whose status the table does not allow."""
    found = []
    for one in answers:
        allowed = {one.line.own[one.role.column]}
        if one.whose != "own":
            allowed = one.line.others(one.role.column, one.whose)
        if one.status not in allowed:
            found.append(f"{one}, not {' or '.join(map(str, sorted(allowed)))}")
    return found
