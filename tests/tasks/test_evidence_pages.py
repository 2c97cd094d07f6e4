"""举证 on pages: the gallery, adding and withdrawing, answers of the official app, files, and the phone page."""

from datetime import date
from decimal import Decimal
from html import unescape

import pytest
from django.urls import reverse

from parcels.evidence_store import Position, add_photo
from parcels.models import Evidence, EvidenceOutcome, Step
from tasks.models import TownYear
from tests.parcels.pictures import exif, field, jpeg, upload
from tests.tasks.form_world import make_world, person

pytestmark = pytest.mark.django_db
WHERE = {"town": "xihe", "year": 2024}
SMALL = field((320, 240))


@pytest.fixture
def world(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return make_world()


def url(name, **more):
    return reverse(name, kwargs=WHERE | more)


def text_of(answer):
    return " ".join(unescape(answer.content.decode()).split())


def photo(world, parcel=0, seed=1, **more):
    picture = jpeg(field((320, 240), seed=seed), exif=exif())
    common = {"division": world.xinsi, "parcel": world.parcels[parcel], "by": world.head, "key": ""}
    return add_photo(upload(picture, f"照片{seed}.jpg"), **common | {"phase": "after", "view": "near"} | more)


@pytest.fixture
def head(world, client):
    client.force_login(world.head)
    return client


def post(client, world, *files, parcel=0, **more):
    data = {"file": list(files), "phase": "after", "view": "near", "key": "f1"} | more
    return client.post(url("parcel_evidence_add", pk=world.parcels[parcel].pk), data, follow=True)


def test_several_photos_in_one_go_are_each_taken_or_refused(world, head):
    answer = post(head, world, upload(jpeg(SMALL), "好.jpg"), upload(b"%PDF-1.7", "坏.jpg"), note="东侧")

    text = text_of(answer)
    assert "已收到 1 份" in text
    assert "“坏.jpg”实际是PDF 文件，不是照片，请改为 JPG 后再传" in text
    one = Evidence.objects.get()
    assert (one.phase, one.view, one.note, one.parcel, one.by) == (
        "after",
        "near",
        "东侧",
        world.parcels[0],
        world.head,
    )


def test_the_form_sent_twice_takes_each_photo_once(world, head):
    for _ in range(2):
        post(head, world, upload(jpeg(SMALL)), upload(jpeg(field((320, 240), seed=2))))
    assert Evidence.objects.count() == 2


def test_a_paper_is_taken_as_a_paper(world, head):
    answer = post(head, world, upload(b"%PDF-1.7", "同意书.pdf"), category="paper")
    assert Evidence.objects.get().category == "paper"
    assert "同意书.pdf" in text_of(answer)


@pytest.mark.parametrize(
    ("files", "expected"), [(0, "没有选文件"), (21, "一次最多 20 个文件，现有 21 个")], ids=["none", "too many"]
)
def test_no_file_and_too_many_are_answered(world, head, files, expected):
    assert expected in text_of(post(head, world, *[upload(b"x") for _ in range(files)]))
    assert not Evidence.objects.exists()


def test_a_closed_year_takes_no_evidence(world, head):
    TownYear.objects.filter(town=world.town).update(closed_on=date(2024, 10, 12))
    assert "已关账，不再收举证材料" in text_of(post(head, world, upload(jpeg(SMALL))))
    assert not Evidence.objects.exists()


def test_the_gallery_tells_time_place_direction_and_remarks_in_words(world, head):
    bare = jpeg(SMALL)
    photo(world, note="南坡")
    add_photo(
        upload(bare), division=world.xinsi, parcel=world.parcels[0], by=world.head, key="", phase="before",
        view="overall", position=Position(106.1, 29.9, azimuth=135),
    )  # fmt: skip
    text = text_of(head.get(url("parcel_evidence", pk=world.parcels[0].pk)))

    for words in (
        "整改前",
        "拍摄 2024-10-05 10:26",
        "106.06000, 29.83667（照片定位）",
        "朝东南 135°",
        "（手机定位）",
        "南坡",
    ):
        assert words in text
    assert "没有拍摄时间、照片太小" in text
    assert "还缺：整改后全景 2 张、整改后近景 1 张" in text


def test_who_may_not_see_coordinates_sees_that_there_is_a_position(world, client):
    photo(world)
    client.force_login(person("leader", world.town))
    text = text_of(client.get(url("parcel_evidence", pk=world.parcels[0].pk)))
    assert "有定位" in text
    assert "106.06" not in text
    assert ">原件<" not in text


def test_the_gallery_asks_as_often_for_one_photo_as_for_six(world, head, django_assert_max_num_queries):
    for seed in range(6):
        photo(world, seed=seed)
    EvidenceOutcome.objects.create(
        town=world.town, division=world.xinsi, parcel=world.parcels[0], level="county", verdict="passed",
        on=date(2024, 10, 1), by=world.official,
    )  # fmt: skip
    with django_assert_max_num_queries(12):
        head.get(url("parcel_evidence", pk=world.parcels[0].pk))


def test_the_neighbour_finds_nothing(world, client):
    one = photo(world)
    client.force_login(world.neighbour)
    for name, pk in (
        ("parcel_evidence", world.parcels[0].pk), ("evidence_shown", one.pk), ("evidence_original", one.pk),
        ("phone_parcel", world.parcels[0].pk),
    ):  # fmt: skip
        assert client.get(url(name, pk=pk)).status_code == 404
    assert post(client, world, upload(jpeg(SMALL))).status_code == 404


def test_files_go_out_isolated_and_only_the_original_tells_where_it_was_taken(world, head):
    one = photo(world)
    shown, original = (head.get(url(f"evidence_{name}", pk=one.pk)) for name in ("shown", "original"))
    bodies = [b"".join(answer.streaming_content) for answer in (shown, original)]

    for answer in (shown, original):
        assert "sandbox" in answer["Content-Security-Policy"]
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Type"] == "image/jpeg"
    assert shown["Content-Disposition"].startswith("inline")
    assert original["Content-Disposition"].startswith("attachment")
    assert [b"Exif" in body for body in bodies] == [False, True]
    again = head.get(url("evidence_shown", pk=one.pk), headers={"If-None-Match": shown["ETag"]})
    assert again.status_code == 304


def test_withdrawing_needs_a_reason_and_leaves_everything_on_record(world, head):
    one = photo(world)
    address = url("evidence_withdraw", pk=one.pk)
    assert "请写明撤下的原因" in text_of(head.post(address, {"reason": " "}, follow=True))
    text = text_of(head.post(address, {"reason": "拍错图斑"}, follow=True))
    one.refresh_from_db()
    assert (one.withdrawn_reason, one.withdrawn_by, one.original.full_path.exists()) == ("拍错图斑", world.head, True)
    assert "已撤下 1 份" in text
    assert "这份材料已经撤下" in text_of(head.post(address, {"reason": "再"}, follow=True))


def test_a_withdrawn_photo_may_be_used_where_it_belongs(world, head):
    head.post(url("evidence_withdraw", pk=photo(world).pk), {"reason": "拍错图斑"})
    assert "reused_exact" not in photo(world, parcel=1).flags
    assert "reused_exact" in photo(world).flags


ANSWER = {"level": "county", "verdict": "returned", "reason": "no_crop", "on": "2024-10-10", "note": "北侧未种"}


def test_an_answer_of_the_official_app_stands_until_the_next_one(world, client):
    client.force_login(world.official)
    address = url("parcel_outcome", pk=world.parcels[0].pk)
    assert "区县级退回：翻耕未种植" in text_of(client.post(address, ANSWER, follow=True))
    answer = client.post(address, ANSWER | {"verdict": "passed", "on": "2024-10-11"}, follow=True)
    assert "区县级退回：" not in text_of(answer)
    assert EvidenceOutcome.objects.count() == 2
    with pytest.raises(TypeError, match="append-only"):
        EvidenceOutcome.objects.first().save()


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"level": "moon"}, "没有层级“moon”"),
        ({"verdict": ""}, "结果应为通过或退回"),
        ({"reason": ""}, "退回须从列表中选原因"),
        ({"on": "2024-10-13"}, "晚于工作日期 2024-10-12"),
        ({"on": "明天"}, "“明天”不是日期"),
    ],
    ids=["level", "verdict", "reason", "future", "no day"],
)
def test_a_wrong_answer_is_refused_in_words(world, client, wrong, expected):
    client.force_login(world.official)
    answer = client.post(url("parcel_outcome", pk=world.parcels[0].pk), ANSWER | wrong, follow=True)
    assert expected in text_of(answer)
    assert not EvidenceOutcome.objects.exists()


def test_village_heads_record_no_answers(world, head):
    assert head.post(url("parcel_outcome", pk=world.parcels[0].pk), ANSWER).status_code == 403


# 手机页


def stage(client, world, area, parcel=0, **more):
    data = {"stage": "planted", "area_mu": area, "on": "2024-10-06", "key": "k", "seen_mu": "0"} | more
    return client.post(url("parcel_stage", pk=world.parcels[parcel].pk), data, follow=True)


def test_the_phone_page_shows_each_parcel_with_its_next_step(world, head):
    stage(head, world, "2.77")
    text = text_of(head.get(url("phone_home")))
    assert "报已举证 2.77 亩" in text
    assert '尾号 <span class="code">2431</span>' in text
    assert "新四村" in text


def test_what_came_back_stands_first_with_its_reason(world, head, client):
    EvidenceOutcome.objects.create(
        town=world.town, division=world.xinsi, parcel=world.parcels[1], level="county", verdict="returned",
        reason="no_crop", note="北侧", on=date(2024, 10, 1), by=world.official,
    )  # fmt: skip
    answer = head.get(url("phone_home"))
    assert "区县级退回：翻耕未种植，北侧" in text_of(answer)
    assert [job.parcel for job in answer.context["jobs"]] == [world.parcels[1], world.parcels[0]]
    assert answer.context["counts"] == {"todo": 2, "back": 1, "done": 0}


def test_a_stage_reported_on_the_phone_is_a_step(world, head):
    text = text_of(stage(head, world, "2,5".replace(",", ".")))
    assert "已收到：已种植 2.5 亩" in text
    assert Step.objects.get().area_mu == Decimal("2.5")
    stage(head, world, "2.5")
    assert Step.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"area_mu": "27.7"}, "应不大于图斑面积 2.77，现为 27.7"),
        ({"area_mu": ""}, "没有填面积"),
        ({"area_mu": "约两亩"}, "约两亩"),
        ({"on": "昨天"}, "“昨天”不是日期"),
        ({"stage": "county_accepted"}, "没有由村填报的环节"),
        ({"key": "k" * 101}, "页面过期"),
    ],
    ids=["too much", "empty", "words", "no day", "acceptance", "key"],
)
def test_a_wrong_report_comes_back_with_a_sentence(world, head, wrong, expected):
    data = {"stage": "planted", "area_mu": "1", "on": "2024-10-06", "key": "k"} | wrong
    answer = head.post(url("parcel_stage", pk=world.parcels[0].pk), data, follow=True)
    assert expected in text_of(answer)
    assert not Step.objects.exists()


def test_the_phone_pages_ask_a_fixed_number_of_times(world, head, django_assert_max_num_queries):
    for parcel in (0, 1):
        stage(head, world, "1", parcel, key=f"k{parcel}")
        photo(world, parcel, seed=parcel + 5)
    with django_assert_max_num_queries(12):
        head.get(url("phone_home"))
    with django_assert_max_num_queries(12):
        head.get(url("phone_parcel", pk=world.parcels[0].pk))


def test_the_phone_page_uploads_without_a_script(world, head):
    answer = post(head, world, upload(jpeg(SMALL)), back="phone")
    assert answer.redirect_chain[-1][0] == url("phone_parcel", pk=world.parcels[0].pk)
    assert "已送达的照片" in text_of(answer)
