"""Users of one's own town: nobody gives or touches more than they hold, and every act is on record."""

import re

import pytest
from axes.models import AccessAttempt
from django.core.management import CommandError, call_command
from django.test import Client

from farmland.accounts.log import broken_links, changes
from farmland.accounts.models import ApiToken, Event, Grant, User, record
from farmland.jobs import services as jobs
from farmland.jobs.models import Job
from farmland.places.models import Division, Office, Term
from parcels.models import Kind
from tasks.models import TownYear

pytestmark = pytest.mark.django_db
ROOT = "/xihe/2024/users/"
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def places(db):
    county = Division.objects.create(kind="county", code="500151", name="铜梁区")
    made = {"county": county}
    for slug, name, villages in (("xihe", "西河镇", ("新四村", "双永村")), ("shiyu", "石鱼镇", ("二龙村",))):
        town = Division.objects.create(
            parent=county, kind="town", code=f"500151-{slug}", name=name, slug=slug, is_tenant=True
        )
        TownYear.objects.create(town=town, year=2024)
        made[slug] = town
        for number, label in enumerate(villages):
            made[label] = Division.objects.create(
                parent=town, kind="village", code=f"500151-{slug}-{number}", name=label
            )
    return made


def person(role: str, division: Division, **fields) -> User:
    user = User.objects.create(username=f"{role}-{division.name}", **fields)
    user.set_password("一个足够长的旧密码")
    user.save()
    Grant.objects.create(user=user, role=role, division=division)
    return user


@pytest.fixture
def official(client, places):
    user = person("official", places["xihe"])
    client.force_login(user, backend=BACKEND)
    client.user = user
    return client


def wanted(places, **fields) -> dict:
    base = {
        "username": "xihe-sanshan",
        "name": "三善村村委会",
        "role": "village_head",
        "division": places["新四村"].pk,
    }
    return base | fields


def password_on(answer) -> str:
    return re.search(r'class="receipt__no">([^<]+)<', answer.content.decode())[1]


def test_a_new_user_gets_a_password_once_and_must_change_it(official, places):
    answer = official.post(f"{ROOT}new/", wanted(places, kinds=["abandonment"]))
    password = password_on(answer)
    user = User.objects.get(username="xihe-sanshan")

    assert user.check_password(password)
    assert user.must_change_password
    assert answer["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    grant = user.grants.get()
    assert (grant.role, grant.division, grant.kinds) == ("village_head", places["新四村"], ["abandonment"])
    fresh = Client()
    fresh.force_login(user, backend=BACKEND)
    assert fresh.get("/xihe/2024/plan/")["Location"] == "/password/"


def test_making_a_user_is_on_record_without_the_password(official, places):
    password = password_on(official.post(f"{ROOT}new/", wanted(places)))
    event = Event.objects.get(action="新建用户")

    assert (event.user, event.subject) == (official.user, "xihe-sanshan")
    assert (event.after["role"], event.after["division"]) == ("村级填报人", "新四村（500151-xihe-0）")
    assert password not in str(event.after)


def test_an_office_and_kinds_of_the_town_can_be_given(official, places):
    office = Office.objects.create(division=places["xihe"], name="农服中心")
    foreign = Office.objects.create(division=places["shiyu"], name="建管办")
    fields = wanted(places, role="lead_office", division=places["xihe"].pk)

    assert official.post(f"{ROOT}new/", fields | {"office": foreign.pk}).status_code == 400
    assert official.post(f"{ROOT}new/", fields | {"kinds": ["nonsense"]}).status_code == 400
    official.post(f"{ROOT}new/", fields | {"office": office.pk})
    assert User.objects.get(username="xihe-sanshan").grants.get().office == office


@pytest.mark.parametrize("role", ["administrator", "district", "nonsense", ""])
def test_a_role_above_the_town_cannot_be_given(official, places, role):
    answer = official.post(f"{ROOT}new/", wanted(places, role=role))

    assert answer.status_code == 400
    assert not User.objects.filter(username="xihe-sanshan").exists()


@pytest.mark.parametrize("place", ["county", "shiyu", "二龙村"])
def test_a_scope_outside_the_town_cannot_be_given(official, places, place):
    assert official.post(f"{ROOT}new/", wanted(places, division=places[place].pk)).status_code == 400
    assert not User.objects.filter(username="xihe-sanshan").exists()


@pytest.mark.parametrize("username", ["XIHE-SANSHAN", "a b", "", "x" * 41, "<b>"])
def test_a_username_that_is_taken_or_bad_is_refused_with_a_reason(official, places, username):
    User.objects.create(username="xihe-sanshan")
    answer = official.post(f"{ROOT}new/", wanted(places, username=username))

    assert answer.status_code == 400
    assert "field__error" in answer.content.decode()


def test_a_manager_with_less_gives_less(client, places):
    less = ["view", "report", "patrol", "coordinates", "read_money", "claim", "manage_users"]
    Term.objects.create(dictionary="role", code="clerk", label="文员", attrs={"can": less})
    user = person("clerk", places["xihe"])
    client.force_login(user, backend=BACKEND)

    assert client.post(f"{ROOT}new/", wanted(places, role="official")).status_code == 400
    assert client.post(f"{ROOT}new/", wanted(places, role="finance")).status_code == 400
    assert client.post(f"{ROOT}new/", wanted(places)).status_code == 200
    above = person("official", places["xihe"])
    assert client.post(f"{ROOT}{above.pk}/reset/").status_code == 404
    assert "权限高于您" in client.get(ROOT).content.decode()


def test_a_reset_ends_sessions_and_lifts_a_lock(official, places):
    head = person("village_head", places["新四村"])
    theirs = Client()
    theirs.force_login(head, backend=BACKEND)
    AccessAttempt.objects.create(username=head.username, ip_address="10.0.0.1", failures_since_start=9)
    password = password_on(official.post(f"{ROOT}{head.pk}/reset/"))
    head.refresh_from_db()

    assert head.check_password(password)
    assert head.must_change_password
    assert theirs.get("/xihe/2024/plan/").status_code == 302
    assert theirs.get("/xihe/2024/plan/")["Location"].startswith("/login/")
    assert not AccessAttempt.objects.exists()
    assert Event.objects.filter(action="重置密码", subject=head.username, user=official.user).exists()


def test_disabling_ends_sessions_and_tokens_for_good(official, places):
    head = person("village_head", places["新四村"])
    theirs = Client()
    theirs.force_login(head, backend=BACKEND)
    key = ApiToken.issue(head)
    official.post(f"{ROOT}{head.pk}/disable/", {"to": "disabled"})
    official.post(f"{ROOT}{head.pk}/disable/", {"to": "disabled"})  # sent twice

    assert theirs.get("/xihe/2024/plan/")["Location"].startswith("/login/")
    assert ApiToken.find(key) is None
    assert Event.objects.filter(action="停用用户").count() == 1
    password = password_on(official.post(f"{ROOT}{head.pk}/disable/", {"to": "active"}))
    head.refresh_from_db()
    assert head.is_active
    assert head.check_password(password)
    assert theirs.get("/xihe/2024/plan/")["Location"].startswith("/login/")
    assert ApiToken.find(key) is None


def test_a_disabled_user_gets_no_new_password_before_being_enabled(official, places):
    head = person("village_head", places["新四村"], is_active=False)

    assert official.post(f"{ROOT}{head.pk}/reset/").status_code == 403


def test_oneself_foreigners_and_the_administrator_are_out_of_reach(official, places):
    both = person("village_head", places["新四村"])
    Grant.objects.create(user=both, role="village_head", division=places["二龙村"])
    above = person("administrator", places["xihe"])
    root = User.objects.create(username="root", is_superuser=True)
    foreign = person("official", places["shiyu"])
    for user in (official.user, both, above, root, foreign):
        assert official.post(f"{ROOT}{user.pk}/reset/").status_code == 404
        assert official.post(f"{ROOT}{user.pk}/disable/", {"to": "disabled"}).status_code == 404
    page = official.get(ROOT).content.decode()
    for user in (both, root, foreign):
        assert user.username not in page
    assert "本人" in page


def test_the_administrator_manages_every_town(client, places):
    client.force_login(User.objects.create(username="root", is_superuser=True), backend=BACKEND)
    head = person("village_head", places["二龙村"])

    assert client.post(f"/shiyu/2024/users/{head.pk}/reset/").status_code == 200
    assert client.post(f"{ROOT}new/", wanted(places, role="official", division=places["xihe"].pk)).status_code == 200


def test_only_managers_of_this_town_come_in(client, places):
    head = person("village_head", places["新四村"])
    for user, status in (
        (head, 404),
        (person("official", places["shiyu"]), 404),
        (person("finance", places["xihe"]), 403),
        (person("district", places["county"]), 403),
    ):
        client.force_login(user, backend=BACKEND)
        for address in (ROOT, f"{ROOT}new/"):
            assert client.get(address).status_code == status
        assert client.post(f"{ROOT}new/", wanted(places)).status_code == status
        assert client.post(f"{ROOT}{head.pk}/reset/").status_code == status
        assert client.post(f"{ROOT}{head.pk}/disable/").status_code == status
    assert not User.objects.filter(username="xihe-sanshan").exists()


def test_the_list_finds_filters_and_takes_few_queries(official, places, django_assert_max_num_queries):
    person("village_head", places["双永村"], is_demo=True)
    official.get(ROOT)
    with django_assert_max_num_queries(12) as first:
        page = official.get(ROOT).content.decode()
    assert ">演示</span>" in page
    for number in range(40):
        user = User.objects.create(username=f"head-{number}")
        Grant.objects.create(user=user, role="village_head", division=places["新四村"])
        ApiToken.issue(user)
    with django_assert_max_num_queries(len(first)):
        official.get(ROOT)
    assert "head-39" in official.get(f"{ROOT}?q=head-39&state=active").content.decode()
    assert "没有符合条件" in official.get(f"{ROOT}?state=disabled").content.decode()
    assert official.get(f"{ROOT}?q=%25&state=x&page=-1").status_code == 200


def test_what_a_demo_user_makes_is_demo(client, places):
    user = person("official", places["xihe"], is_demo=True)
    client.force_login(user, backend=BACKEND)
    client.post(f"{ROOT}new/", wanted(places))

    assert User.objects.get(username="xihe-sanshan").is_demo


# 操作记录


def test_the_log_tells_who_what_before_after_and_why(official, places):
    record(
        "改时限", "附件2 第5行", user=official.user, town=places["xihe"], before={"on": "2024-07-31"},
        after={"on": "2024-10-31"}, reason="区里来文<b>",
    )  # fmt: skip
    page = official.get("/xihe/2024/log/").content.decode()

    assert "<del>2024-07-31</del>" in page
    assert "<ins>2024-10-31</ins>" in page
    assert "区里来文&lt;b&gt;" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("action=甲", True), ("action=乙", False), ("q=附件", True), ("q=没有", False), ("who=official-西河镇", True),
        ("who=nobody", False), ("since=2000-01-01&until=2999-12-31", True), ("since=2999-01-01", False),
        ("until=2000-01-01", False), ("since=2024-99-99&page=x&until=%25", True),
    ],
)  # fmt: skip
def test_each_filter_of_the_log(official, places, query, found):
    record("甲", "附件2", user=official.user, town=places["xihe"])
    page = official.get(f"/xihe/2024/log/?{query}").content.decode()

    assert (">附件2</td>" in page) is found


def test_the_log_is_for_those_who_may_read_it_and_of_their_town_only(client, places):
    record("甲", "石鱼的事", town=places["shiyu"])
    for role, place, status in (
        ("discipline", "xihe", 200), ("finance", "xihe", 403), ("village_head", "新四村", 404),
        ("official", "shiyu", 404),
    ):  # fmt: skip
        client.force_login(person(role, places[place]), backend=BACKEND)
        answer = client.get("/xihe/2024/log/")
        assert answer.status_code == status
        assert "石鱼的事" not in answer.content.decode()


def test_the_log_takes_few_queries(official, places, django_assert_max_num_queries):
    for number in range(60):
        record("甲", f"第 {number} 件", user=official.user, town=places["xihe"])
    official.get("/xihe/2024/log/")
    with django_assert_max_num_queries(12):
        official.get("/xihe/2024/log/")


def test_values_that_stayed_are_left_out():
    told = changes({"area": "1.5", "open": True}, {"area": "1.5", "open": False, "codes": ["a", "b"]})

    assert told == [
        {"name": "open", "before": "是", "after": "否"},
        {"name": "codes", "before": "", "after": "a；b"},
    ]
    assert changes(None, None) == []


@pytest.fixture
def chains(places):
    demo = person("official", places["shiyu"], is_demo=True)
    for town in (places["xihe"], places["shiyu"], None):
        for number in range(3):
            record("甲", f"第 {number} 件", town=town, after={"面积": "1.50", "名": "〔某村民〕"})
    record("乙", "演示", town=places["shiyu"], user=demo)


def test_untouched_chains_hold(chains, capsys):
    call_command("verify_audit")

    assert "10 条操作记录，4 条链，全部相符。" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (lambda: Event.objects.filter(town__slug="xihe", number=2).update(reason="改过"), "内容与校验值不符"),
        (lambda: Event.objects.filter(town__slug="xihe", number=2).update(after={"面积": "9"}), "内容与校验值不符"),
        (lambda: Event.objects.filter(town__slug="xihe", number=2).delete(), "之前缺 1 条"),
        (lambda: Event.objects.filter(town__slug="xihe", number=1).delete(), "之前缺 1 条"),
        (lambda: Event.objects.filter(town=None, number=3).update(previous="0" * 64), "接不上"),
    ],
)
def test_a_changed_or_missing_record_is_found(chains, tamper, told):
    tamper()

    assert any(told in line for line in broken_links())
    with pytest.raises(CommandError, match="操作记录对不上"):
        call_command("verify_audit")


# 后台作业


def test_the_jobs_of_the_town_with_state_progress_and_retries(official, places):
    job = jobs.enqueue("recompute", town=places["xihe"], user=official.user)
    lease = jobs.claim(job.pk)
    Job.objects.filter(pk=job.pk).update(progress_done=5, progress_total=20, progress_text="核对图斑", attempts=2)
    foreign = jobs.enqueue("recompute", town=places["shiyu"])
    page = official.get("/xihe/2024/jobs/").content.decode()

    assert "重新计算完成情况" in page
    assert 'aria-valuenow="25"' in page
    assert "第 2 次" in page
    assert 'hx-trigger="every 3s"' in page
    assert str(foreign.pk) not in page
    jobs.fail(job.pk, lease, "第 7 行有误。<b>")
    page = official.get("/xihe/2024/jobs/?state=failed").content.decode()
    assert "第 7 行有误。&lt;b&gt;" in page
    assert "hx-trigger" not in page
    assert "没有作业" in official.get("/xihe/2024/jobs/?state=nonsense").content.decode()


def test_the_job_list_is_for_the_whole_town_and_takes_few_queries(client, places, django_assert_max_num_queries):
    client.force_login(person("village_head", places["新四村"]), backend=BACKEND)
    assert client.get("/xihe/2024/jobs/").status_code == 404
    client.force_login(person("finance", places["xihe"]), backend=BACKEND)
    for _ in range(30):
        jobs.enqueue("recompute", town=places["xihe"])
    client.get("/xihe/2024/jobs/")
    with django_assert_max_num_queries(12):
        client.get("/xihe/2024/jobs/")


def test_kinds_offered_are_those_of_the_dictionary(official, places):
    page = official.get(f"{ROOT}new/").content.decode()

    assert page.count('name="kinds"') == Kind.objects.count()
    assert "二龙村" not in page


def test_the_page_of_a_new_user_says_role_scope_and_that_the_password_is_shown_once(official, places):
    office = Office.objects.create(division=places["xihe"], name="产业发展服务中心")
    page = official.post(f"{ROOT}new/", wanted(places, office=office.pk)).content.decode()
    facts = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.split('class="receipt"')[1]))
    role = Term.objects.get(dictionary="role", code="village_head", town=None).label
    assert f"角色 {role}，产业发展服务中心" in facts
    assert "范围 新四村，全部任务" in facts
    assert "密码只显示这一次" in facts
    assert "三善村填报人" in facts or "姓名或岗位" in facts


def test_disabling_leads_back_to_the_list_with_a_word(official, places):
    head = person("village_head", places["新四村"])
    answer = official.post(f"{ROOT}{head.pk}/disable/", {"to": "disabled"}, follow=True)
    assert answer.redirect_chain == [(ROOT, 302)]
    page = answer.content.decode()
    assert "已停用：登录已退出，接口令牌已作废" in page
    assert head.username in page
    again = official.post(f"{ROOT}{head.pk}/disable/", {"to": "disabled"}, follow=True).content.decode()
    assert "没有改动" in again
