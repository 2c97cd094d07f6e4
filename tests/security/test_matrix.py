"""Role × address × method × whose object: the table says it all, and nothing is missing from the table.

Every run asks four roles about everything, and the others about their own rows where the table tells roles apart;
``make prove`` asks all roles about everything.
"""

from collections import defaultdict

import pytest

from tests.security.crawl import ROLES, Answer, crawl, routes, wrong
from tests.security.table import lines

pytestmark = pytest.mark.django_db
BELOW_THE_OWN = ("sibling", "mixed", "missing")
OUTSIDE = ("foreign", "nowhere")
SIGNED_IN = [role for role in ROLES if role.user]


def faults(answers: list[Answer]) -> list[str]:
    return [str(one) for one in answers if one.status >= 500]


def told_apart(answers: list[Answer], group: tuple[str, ...]) -> tuple[list[str], int]:
    """The calls whose answer tells a row of others from a missing one, and how many were compared."""
    said = defaultdict(dict)
    for one in answers:
        if one.whose in group:
            said[f"{one.role.user} {one.line.method} {one.line.name}"][one.whose] = (one.status, one.body)
    compared = {call: found for call, found in said.items() if len(found) > 1}
    return [call for call, found in compared.items() if len(set(found.values())) > 1], len(compared)


def test_every_address_of_the_resolver_has_its_lines_in_the_table():
    told = defaultdict(set)
    for line in lines():
        told[line.name].add(line.method)
    assert set(told) == set(routes())
    assert all(methods == {"GET", "POST"} for methods in told.values())
    assert len(lines()) == sum(len(methods) for methods in told.values())


def test_every_answer_is_the_tables(answers):
    assert wrong(answers) == []
    assert len(answers) > 1000


def test_nothing_answers_with_a_fault_of_the_server(answers):
    assert faults(answers) == []


def test_nobody_signed_in_is_sent_to_the_login_page_and_nowhere_else(answers):
    sent = [one for one in answers if one.role.column == "anon" and one.status == 302]
    assert [str(one) for one in sent if not one.headers["Location"].startswith("/login/")] == []
    assert len(sent) > 30


@pytest.mark.parametrize("group", [BELOW_THE_OWN, OUTSIDE])
def test_a_row_of_others_answers_byte_for_byte_like_a_missing_one(answers, group):
    unlike, compared = told_apart(answers, group)
    assert unlike == []
    assert compared > 100


def test_a_token_opens_the_api_exactly_as_its_user_does(standing):
    found = crawl(standing, [role for role in SIGNED_IN if role.thorough], token=True)
    assert wrong(found) == []
    assert len(found) > 300


def test_a_token_opens_no_page(standing, client):
    key = standing.tokens["admin"]
    for page in ("/", "/xihe/2024/", "/xihe/2024/users/", "/password/"):
        answer = client.get(page, headers={"Authorization": f"Token {key}"})
        assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={page}")


@pytest.mark.slow
@pytest.mark.parametrize("token", [False, True])
def test_every_role_about_every_row(standing, token):
    found = crawl(standing, SIGNED_IN if token else ROLES, token=token, whole=True)
    assert wrong(found) == []
    assert faults(found) == []
    for group in (BELOW_THE_OWN, OUTSIDE):
        assert told_apart(found, group)[0] == []
