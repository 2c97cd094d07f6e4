"""Self-chosen parcels: proposed with consent, refused by a clause, reviewed by another, approved in batches."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from farmland.accounts.models import Event
from farmland.lib.refused import Refused
from parcels.models import Parcel, ParcelList, Proposal, Work
from tasks.models import Plan
from tasks.proposals import Wish, approve, move, propose
from tests.tasks.edit_world import Field
from tests.tasks.land import TODAY, YEAR
from tests.tasks.page_world import sign_in
from tests.tasks.small_plans import HEAD

pytestmark = pytest.mark.django_db


@pytest.fixture
def field():
    return Field()


@pytest.fixture
def wish(field):
    return Wish(field.villages["东村"], "abandonment", "自选1", D("3.2"), "0305", D(12), False, 1, TODAY, "二组")


def test_from_proposal_to_parcel_with_list_and_work(field, wish):
    one = propose(field.year, wish, by=field.head)
    two = propose(field.year, replace(wish, code="自选2", planned_order=2), by=field.head)
    for each in (one, two):
        move(field.year, each, "pass", by=field.official)
    count, job = approve(field.year, [one.pk, two.pk], "秀规资〔2024〕8号", TODAY, by=field.official)

    assert (count, job.kind) == (2, "recompute")
    parcel = Parcel.objects.get(codes=["自选1"])
    assert (parcel.source, parcel.gross_mu, parcel.group) == ("self_selected", D("3.2"), "二组")
    assert Work.objects.get(parcel=parcel).area_mu == D("3.2")
    listed = ParcelList.objects.get(role="self_selected")
    assert (listed.title, listed.listings.count()) == ("自选图斑 秀规资〔2024〕8号", 2)
    told = Event.objects.filter(about=one.pk).order_by("number").values_list("action", flat=True)
    assert list(told) == ["提出自选图斑", "自选图斑镇审核通过", "自选图斑批准"]


@pytest.mark.parametrize(
    ("more", "word"),
    [({"slope": D("25.1")}, "超过 25 度"), ({"in_redline": True}, "生态保护红线")],
)
def test_steep_and_protected_land_is_kept_as_refused(field, wish, more, word):
    one = propose(field.year, replace(wish, **more), by=field.head)
    assert one.state == "refused"
    assert word in one.reason
    assert propose(field.year, wish, by=field.head).state == "proposed"  # its code is free again


def test_exactly_25_degrees_is_not_above_it(field, wish):
    assert propose(field.year, replace(wish, slope=D(25)), by=field.head).state == "proposed"


def test_the_plans_own_clause_is_the_reason(field, wish):
    rule = '{key: steep, clause: 四, purpose: exclusion, when: [[slope, ">", "15"]], then: {refuse: 15度以上不得恢复}}'
    source = f"{HEAD}\nrules: [{rule}]"
    Plan.objects.filter(pk=field.plan.pk).update(source=source, digest="with-a-rule")
    assert propose(field.year, replace(wish, slope=D(16)), by=field.head).reason == "15度以上不得恢复（方案 四）"


@pytest.mark.parametrize(
    ("more", "word"),
    [
        pytest.param({"land_class": "0103"}, "已经是耕地", id="cultivated"),
        pytest.param({"land_class": "9"}, "字典里没有地类", id="unknown class"),
        pytest.param({"kind": "retention"}, "末级任务", id="kind"),
        pytest.param({"area_mu": D(0)}, "应大于 0", id="area"),
        pytest.param({"slope": D(91)}, "0 到 90", id="slope"),
        pytest.param({"consented_on": TODAY + timedelta(days=1)}, "晚于工作日期", id="day"),
        pytest.param({"code": "P1"}, "已在本年度图斑里", id="code of a parcel"),
    ],
)
def test_bad_words_are_refused_and_nothing_is_kept(field, wish, more, word):
    field.parcel("P1")
    with pytest.raises(Refused, match=word):
        propose(field.year, replace(wish, **more), by=field.head)
    assert not Proposal.objects.exists()


def test_a_code_stands_once_and_who_proposes_does_not_review(field, wish):
    one = propose(field.year, wish, by=field.official)
    with pytest.raises(Refused, match="已经提出过"):
        propose(field.year, wish, by=field.head)
    with pytest.raises(Refused, match="您本人提出"):
        move(field.year, one, "pass", by=field.official)
    with pytest.raises(Refused, match="不能登记县级批复"):
        approve(field.year, [one.pk], "8号", TODAY, by=field.second)
    with pytest.raises(Refused, match="须写明原因"):
        move(field.year, one, "refuse", by=field.second)
    move(field.year, one, "withdraw", by=field.head, reason="权利人反悔")
    assert propose(field.year, wish, by=field.head).state == "proposed"


def address(name, pk=None) -> str:
    return reverse(name, kwargs={"town": "qingxi", "year": YEAR} | ({"pk": pk} if pk else {}))


def test_the_pages_lead_from_village_to_county(field, client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    sent = {
        "division": field.villages["东村"].code, "code": "自选9", "kind": "abandonment", "area_mu": "2",
        "land_class": "0305", "slope": "8", "in_redline": "no", "planned_order": "1", "consented_on": str(TODAY),
        "consent": SimpleUploadedFile("同意书.pdf", b"%PDF-1.4"),
    }  # fmt: skip
    sign_in(client, field.head)
    bad = sent | {"consent": SimpleUploadedFile("同意书.pdf", b"MZ")}
    assert client.post(address("proposal_create"), bad).status_code == 400
    assert client.post(address("proposal_create"), sent).status_code == 302
    one = Proposal.objects.get()
    assert client.post(address("proposal_move", one.pk), {"move": "pass"}).status_code == 403

    sign_in(client, field.official)
    paper = client.get(address("proposal_consent", one.pk))
    assert (b"".join(paper.streaming_content), paper["Content-Type"]) == (b"%PDF-1.4", "application/octet-stream")
    assert client.post(address("proposal_move", one.pk), {"move": "pass"}).status_code == 302
    assert "登记县级批复" in client.get(address("proposal_list")).content.decode()
    approval = {"chosen": [str(one.pk), "x"], "number": "8号", "approved_on": str(TODAY)}
    assert client.post(address("proposal_approve"), approval).status_code == 302
    assert "8号" in client.get(address("proposal_detail", one.pk)).content.decode()

    other = sign_in(client, field.person("village_head", field.villages["西村"]))
    assert other.get(address("proposal_detail", one.pk)).status_code == 404
    assert "自选9" not in other.get(address("proposal_list")).content.decode()
