"""``claims/``: the aftercare claims, and the doors to declare, take back and verify them."""

from decimal import Decimal

from django.core.exceptions import PermissionDenied
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.response import Response

from farmland.lib.api.columns import Column, decimal, moment, texts, whole
from farmland.lib.api.errors import wrong_parameter
from farmland.lib.api.fields import PlainDecimalField
from farmland.lib.api.filters import Filter, Id, Whole
from farmland.lib.api.http import idempotency_key
from farmland.lib.api.lists import ListView
from farmland.lib.refused import Refused
from farmland.places.api import Subtree, town_filter
from farmland.places.models import Division
from subsidies.attempts import refuse
from subsidies.claiming.claims import DECLARE, Said, declare, open_claims, subject, taking, withdraw
from subsidies.claiming.verifying import VERIFY, Found, verify
from subsidies.models import Claim, Round
from tasks.acceptance_api import refused


def area() -> PlainDecimalField:
    return PlainDecimalField(required=False, allow_null=True, max_digits=12, decimal_places=4)


def words(length: int, **more) -> serializers.CharField:
    return serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=length, **more)


class DeclareSerializer(serializers.Serializer):
    """一项管护申报。写 claim，或写 year 和 parcel（未落图的写 work）。"""

    claim = serializers.UUIDField(required=False, allow_null=True, help_text="claims/ 中的 id")
    year = serializers.IntegerField(required=False, allow_null=True, min_value=2000, max_value=2100)
    parcel = serializers.UUIDField(required=False, allow_null=True)
    work = serializers.UUIDField(required=False, allow_null=True)
    program = serializers.UUIDField(required=False, allow_null=True, help_text="一块地有几项逐年补助的须写")
    declared_mu = PlainDecimalField(max_digits=12, decimal_places=4, min_value=Decimal(0))
    crop = words(40, help_text="字典 crop 的代码")
    reason = words(300, help_text="比认定面积少的须写")
    version = serializers.IntegerField(required=False, allow_null=True, min_value=1, help_text="读到的版本")

    def validate(self, values):
        if not values.get("claim") and not (values.get("year") and (values.get("parcel") or values.get("work"))):
            raise serializers.ValidationError(
                {"claim": "请写 claim，或写 year 和 parcel（或 work）。"}, code="required"
            )
        return values


class VerifySerializer(serializers.Serializer):
    """镇里核实：通过（面积可以少于申报，须写原因）或退回。"""

    verdict = serializers.ChoiceField(["passed", "returned"], default="passed")
    accepted_mu = area()
    reason = words(300)
    relapsed_on = serializers.DateField(required=False, allow_null=True, help_text="又撂荒的日期：重新打开治理")
    version = serializers.IntegerField(required=False, allow_null=True, min_value=1)

    def validate(self, values):
        if values["verdict"] == "passed" and values.get("accepted_mu") is None:
            raise serializers.ValidationError({"accepted_mu": "该字段是必填项。"}, code="required")
        return values


class ClaimList(ListView):
    """管护申报：一轮一块地一行；accepted_mu 为镇里核实的面积。"""

    name = "claims"
    label = "管护申报"
    model = Claim
    columns = (
        Column("town", "乡镇", "town__slug"),
        whole("year", "年度"),
        Column("division", "行政区划代码", "division__code"),
        Column("division_name", "村", "division__name"),
        Column("program", "政策（id）", "round__program_id", kind="id"),
        Column("program_name", "政策", "round__program__name"),
        Column("round", "轮次（id）", "round_id", kind="id"),
        Column("work", "治理（id）", "work_id", kind="id"),
        Column("parcel", "图斑（id）", "work__parcel_id", kind="id", help="未落图的为空"),
        texts("codes", "图斑编号", source="work__parcel__codes"),
        Column("kind", "任务类型", "work__kind_id"),
        decimal("cap_mu", "认定面积（亩）"),
        decimal("declared_mu", "申报面积（亩）"),
        decimal("accepted_mu", "核实面积（亩）", "verified_mu"),
        Column("crop", "作物"),
        Column("reason", "减少的原因"),
        Column("verdict_reason", "核实说明"),
        Column(
            "state", "状态", help="draft 待申报，submitted 已申报，verified 已核实，returned 已退回，withdrawn 已撤回"
        ),
        moment("submitted_at", "申报时间"),
        moment("verified_at", "核实时间"),
        whole("version", "版本", help="申报、核实时带回，别人已改过会回 409"),
    )
    filters = (
        town_filter(),
        Whole("year", "年度"),
        Filter("kind", "任务类型", "work__kind_id"),
        Subtree(),
        Filter("state", "状态"),
        Id("program", "政策的 id", "round__program_id"),
        Id("round", "轮次的 id", "round_id"),
        Id("parcel", "图斑的 id", "work__parcel_id"),
    )
    ordering = ("town", "year", "division", "kind", "state", "submitted_at")

    def claim(self, request, pk: str, action: str, right: str) -> Claim:
        """The claim to act on; out of scope it is the 404 of a missing one, and the attempt is logged."""
        if self.one(request.user, pk) is None:
            log_foreign(request.user, pk, action)
            raise exceptions.NotFound
        names = ("town", "division", "round__program__town", "work__parcel", "work__kind", "work__division")
        found = Claim.objects.select_related(*names).get(pk=pk)
        if not request.user.can(right, found.division, found.work.kind_id):
            refuse(action, subject(found), "没有这一步的权限。", by=request.user, town=found.town, about=found.pk)
            raise exceptions.PermissionDenied
        return found

    def answer(self, request, claim: Claim, code: int = status.HTTP_200_OK) -> Response:
        (row,) = self.finished([self.one(request.user, str(claim.pk))])
        return Response(self.table.as_json(row), status=code)


def log_foreign(user, what: str, action: str) -> None:
    """In the log of the user's own town: who asked for what is not theirs."""
    town = user.tenants().order_by("path").first()
    refuse(action, f"申报 {what}"[:120], "不是本单位范围内的申报。", by=user, town=town)


class ClaimDoor(ClaimList):
    """管护申报：一轮一块地一行；accepted_mu 为镇里核实的面积。"""

    @extend_schema(request=DeclareSerializer, summary="申报管护")
    def post(self, request):
        sent = DeclareSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        one, key = sent.validated_data, idempotency_key(request)
        pk = str(one["claim"]) if one.get("claim") else self._of_land(request.user, one)
        claim = self.claim(request, pk, DECLARE, "claim")
        said = Said(one["declared_mu"], one.get("crop") or "", one.get("reason") or "", one.get("version"))
        try:
            done, is_new = declare(claim, said, by=request.user, key=key)
        except Refused as refusal:
            raise refused(refusal) from refusal
        except PermissionDenied as error:
            raise exceptions.PermissionDenied from error
        return self.answer(request, done, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    def _of_land(self, user, one: dict) -> str:
        """The claim of a piece of land and year; claims of the user's village are opened when there are none yet."""
        land = {"work": one["work"]} if one.get("work") else {"work__parcel": one["parcel"]}
        land |= {"round__program": one["program"]} if one.get("program") else {}
        rows = Claim.objects.visible_to(user).filter(year=one["year"], **land).exclude(state="withdrawn")
        found = list(rows[:2])
        if not found:
            for town in user.tenants():
                divisions = list(Division.objects.filter(pk__in=user.divisions_for("claim"), town=town))
                rounds = list(Round.objects.filter(town=town, year=one["year"], is_yearly=True)) if divisions else []
                for round in taking(rounds, rounds[0].today()) if rounds else ():
                    open_claims(round, by=user, divisions=divisions)
            found = list(rows.all()[:2])
        if len(found) > 1:
            raise wrong_parameter("program", "这块地这一年有几项管护申报，请写明 program 或 claim。")
        return str(found[0].pk) if found else str(one.get("work") or one.get("parcel"))


class ClaimAct(ClaimList):
    """Base of the posts on one claim; the answer is the claim as the list shows it."""

    http_method_names = ("post", "options")

    def __init_subclass__(cls, **kwargs):
        cls.list_view = ClaimDoor  # one row in the schema, not one per door
        super().__init_subclass__(**kwargs)


class ClaimVerify(ClaimAct):
    """核实或退回一项管护申报。"""

    @extend_schema(request=VerifySerializer, summary="核实管护申报", operation_id="claims_verify")
    def post(self, request, id):
        claim = self.claim(request, id, VERIFY, "verify_claim")
        sent = VerifySerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        one = sent.validated_data
        size = None if one["verdict"] == "returned" else one["accepted_mu"]
        found = Found(size, one.get("reason") or "", one.get("relapsed_on"), one.get("version"))
        try:
            return self.answer(request, verify(claim, found, by=request.user))
        except Refused as refusal:
            raise refused(refusal) from refusal


class ClaimWithdraw(ClaimAct):
    """撤回一项没有核实的管护申报；回答为可以重报的那一行。"""

    @extend_schema(request=None, summary="撤回管护申报", operation_id="claims_withdraw")
    def post(self, request, id):
        claim = self.claim(request, id, "撤回管护申报", "claim")
        try:
            return self.answer(request, withdraw(claim, by=request.user))
        except Refused as refusal:
            raise refused(refusal) from refusal


paths = [
    path("claims/<str:id>/verify/", ClaimVerify.as_view(), name="api_claims_verify"),
    path("claims/<str:id>/withdraw/", ClaimWithdraw.as_view(), name="api_claims_withdraw"),
]
