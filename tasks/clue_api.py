"""``clues/``: what was reported on patrol, and the door for new reports; ``referrals/``: what was handed on."""

from decimal import Decimal

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from farmland.lib.api.columns import Column, day, moment, whole
from farmland.lib.api.fields import Body, PlainDecimalField
from farmland.lib.api.filters import Filter, Id, Whole
from farmland.lib.api.http import idempotency_key
from farmland.lib.api.lists import ListView
from farmland.lib.api.parameters import check_names
from farmland.places.api import Subtree, town_filter
from parcels.evidence_store import EvidenceRefused
from tasks.acceptance import Refused
from tasks.acceptance_api import refused
from tasks.api import TOWN
from tasks.clues import MAX_PHOTOS, Report, keep_photo, report
from tasks.evidence_api import PhotoBody, file_of, said_by_phone
from tasks.evidence_api import refused as evidence_refused
from tasks.models import Clue, Referral, TownYear

NOT_OWN = "这条线索不是您报的，照片由上报人自己传。"


class ClueSerializer(Body):
    """一条巡查线索；位置为 WGS84 经纬度，可以不写。"""

    town = serializers.SlugField()
    year = serializers.IntegerField(min_value=2000, max_value=2100)
    division = serializers.CharField(max_length=30, help_text="村的行政区划代码")
    category = serializers.CharField(max_length=40, help_text="字典 clue_kind 的代码")
    place = serializers.CharField(max_length=120)
    note = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=300)
    longitude = PlainDecimalField(required=False, allow_null=True, max_digits=11, decimal_places=8)
    latitude = PlainDecimalField(required=False, allow_null=True, max_digits=10, decimal_places=8)
    accuracy_m = PlainDecimalField(
        required=False, allow_null=True, max_digits=10, decimal_places=4, min_value=Decimal(0)
    )


class ClueDoor(ListView):
    """巡查线索：网格员和村里报来的；网格员只看自己报的。位置不在这里给出。"""

    name = "clues"
    label = "巡查线索"
    model = Clue
    columns = (
        TOWN,
        whole("year", "年度"),
        Column("division", "行政区划代码", "division__code"),
        Column("division_name", "单位", "division__name"),
        Column("category", "类型"),
        Column("place", "地点"),
        Column("note", "说明"),
        Column("state", "状态", help="new 待处理，issue 已转整改，dismissed 不予处理，duplicate 重复线索"),
        Column("reason", "处理理由"),
        Column("issue", "整改问题（id）", "issue_id", kind="id"),
        Column("duplicate_of", "与之重复的线索（id）", "duplicate_of_id", kind="id"),
        moment("reported_at", "上报时间"),
        moment("handled_at", "处理时间"),
    )
    filters = (
        town_filter(),
        Whole("year", "年度"),
        Subtree(),
        Filter("state", "状态"),
        Filter("category", "类型"),
        Id("issue", "整改问题的 id", "issue_id"),
    )
    ordering = ("town", "year", "reported_at", "state")
    default_ordering = ("-reported_at",)
    is_keyed = True

    @extend_schema(request=ClueSerializer, summary="上报巡查线索")
    def post(self, request):
        serializer = ClueSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values, key = serializer.validated_data, idempotency_key(request)
        town_year, division = self._place(request.user, values)
        try:
            clue, is_new = report(town_year, _report(values, division, key), by=request.user)
        except Refused as refusal:
            raise refused(refusal) from refusal
        (row,) = self.finished([self.one(request.user, str(clue.pk))])
        return Response(self.table.as_json(row), status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    def _place(self, user, values):
        """The open town-year and the division the user patrols; 404 as for a missing one, 403 where only seen."""
        patrolled = user.divisions_for("patrol").filter(code=values["division"], town__slug=values["town"])
        division = patrolled.select_related("town").first()
        if division is None:
            seen = user.divisions().filter(code=values["division"], town__slug=values["town"]).exists()
            raise exceptions.PermissionDenied if seen else exceptions.NotFound
        town_year = TownYear.objects.filter(town=division.town, year=values["year"]).select_related("town").first()
        if town_year is None:
            raise exceptions.NotFound
        return town_year, division


def _report(values: dict, division, key: str) -> Report:
    longitude, latitude = values.get("longitude"), values.get("latitude")
    return Report(
        division=division,
        category=values["category"],
        place=values["place"],
        note=values.get("note") or "",
        longitude=None if longitude is None else float(longitude),
        latitude=None if latitude is None else float(latitude),
        accuracy_m=values.get("accuracy_m"),
        key=key,
    )


class CluePhoto(PhotoBody):
    file = serializers.FileField()


class CluePhotoAnswer(serializers.Serializer):
    id = serializers.CharField(help_text="照片，即回执")
    clue = serializers.CharField()
    sha256 = serializers.CharField()
    received_at = serializers.DateTimeField()
    flags = serializers.ListField(child=serializers.CharField())
    notes = serializers.ListField(child=serializers.CharField(), help_text="照片里没有采用的信息")


class CluePhotos(APIView):
    """线索的照片：上报人自己补传，一张一次。"""

    parser_classes = (MultiPartParser,)

    @extend_schema(
        summary=f"上传线索的照片，最多 {MAX_PHOTOS} 张",
        operation_id="clues_photos",
        request={"multipart/form-data": CluePhoto},
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description="每张照片一个")],
        responses={
            201: CluePhotoAnswer,
            200: OpenApiResponse(CluePhotoAnswer, description="同一个键、同一个文件：已有的那一张"),
            409: OpenApiResponse(description="年度已关账"),
            413: OpenApiResponse(description="文件超过 20 MB"),
            422: OpenApiResponse(description="同一个 Idempotency-Key 对应另一个文件"),
        },
    )
    def post(self, request, id):
        check_names(request.query_params, [])
        clue = Clue.objects.visible_to(request.user).select_related("town", "division__town").filter(pk=id).first()
        if clue is None:
            raise exceptions.NotFound
        if clue.by_id != request.user.pk:
            raise exceptions.PermissionDenied(NOT_OWN, code="no_right")
        body = PhotoBody(data=request.data)
        body.is_valid(raise_exception=True)
        file, started = file_of(request), timezone.now()
        try:
            if TownYear.objects.filter(town=clue.town, year=clue.year, closed_on__isnull=False).exists():
                raise EvidenceRefused(f"{clue.town} {clue.year} 年已关账，不再收照片。", code="closed")
            said = said_by_phone(body.validated_data)
            photo = keep_photo(clue, file, by=request.user, key=idempotency_key(request), **said)
        except EvidenceRefused as refusal:
            raise evidence_refused(refusal) from refusal
        answer = {"id": str(photo.pk), "clue": str(clue.pk), "sha256": photo.sha256}
        answer |= {"received_at": photo.received_at, "flags": photo.flags, "notes": photo.notes}
        is_new = photo.received_at >= started
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(CluePhotoAnswer(answer).data, status=code)


paths = [path("clues/<uuid:id>/photos/", CluePhotos.as_view(), name="api_clue_photos")]


class ReferralList(ListView):
    """问题移交：责任、作风、腐败等移交纪委或其他单位的问题，不是图斑。只给看全镇的用户。"""

    name = "referrals"
    label = "问题移交"
    model = Referral
    columns = (
        TOWN,
        whole("year", "年度"),
        Column("subject", "问题"),
        Column("source", "来源"),
        day("found_on", "发现日期"),
        Column("referred_to", "移交单位"),
        day("referred_on", "移交日期"),
        Column("number", "文号"),
        Column("state", "状态", "outcome", help="pending 办理中，answered 已反馈，closed 已办结"),
        Column("answer", "反馈"),
        day("answered_on", "反馈日期"),
    )
    filters = (town_filter(), Whole("year", "年度"), Filter("state", "状态", "outcome"))
    ordering = ("town", "year", "referred_on", "state")
    default_ordering = ("-referred_on",)
