"""``evidence/``: the list of photos and papers, the door through which they come in, their files."""

from datetime import datetime
from decimal import Decimal

from django.urls import path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from farmland.lib.api.columns import Column, decimal, moment, texts, whole
from farmland.lib.api.errors import TooLarge, wrong_parameter
from farmland.lib.api.fields import Body, DayField, PlainDecimalField
from farmland.lib.api.filters import Filter, Id, Whole
from farmland.lib.api.http import idempotency_key
from farmland.lib.api.lists import ListView
from farmland.lib.api.parameters import check_names
from farmland.lib.numbers import plain
from farmland.places.api import Subtree, town_filter
from parcels.evidence_files import COPIES, TYPES, WITH_POSITION, file_answer, may_have
from parcels.evidence_store import EvidenceRefused, Position, add
from parcels.models import Evidence, Parcel
from parcels.shapes import with_coordinates
from tasks.models import Issue, TownYear
from tasks.stage import Report, StageRefused, report_stage

NO_RIGHT = "您没有填报这个图斑的权限，请由所在村的填报人提交。"
STATUSES = {"closed": 409, "conflict": 409, "key_reused": 422, "too_large": 413}


class PhotoBody(serializers.Serializer):
    """Time and place as the phone read them, where the file itself does not say."""

    taken_at = serializers.CharField(required=False, allow_blank=True, max_length=40)
    longitude = serializers.FloatField(required=False)
    latitude = serializers.FloatField(required=False)
    accuracy_m = serializers.FloatField(required=False)
    azimuth = serializers.FloatField(required=False)


class MaterialBody(PhotoBody):
    """What is sent with a file."""

    category = serializers.ChoiceField(["photo", "paper"], default="photo")
    phase = serializers.CharField(required=False, allow_blank=True, max_length=10)
    view = serializers.CharField(required=False, allow_blank=True, max_length=40)
    note = serializers.CharField(required=False, allow_blank=True, max_length=300)


class EvidenceBody(MaterialBody):
    parcel = serializers.UUIDField(help_text="图斑的 id")


class MaterialUpload(MaterialBody):
    file = serializers.FileField()


class EvidenceUpload(EvidenceBody):
    file = serializers.FileField()


class EvidenceDoor(ListView):
    """举证：照片和材料；坐标只给有权查看的人。"""

    name = "evidence"
    label = "举证"
    model = Evidence
    parser_classes = (MultiPartParser,)
    columns = (
        Column("town", "乡镇", "town__slug"),
        whole("year", "年度", "parcel__year"),
        Column("kind", "任务类型", "parcel__kind_id"),
        Column("division", "村", "division__code", help="行政区划代码"),
        Column("division_name", "村名", "division__name"),
        Column("parcel", "图斑（id）", "parcel_id", kind="id"),
        Column("issue", "整改问题（id）", (), kind="id", help="整改问题自己的照片和材料；图斑的为空"),
        Column("category", "类别", help="photo 照片，paper 材料"),
        Column("phase", "阶段", help="before、during、after"),
        Column("view", "拍摄内容"),
        moment("taken_at", "拍摄时间"),
        decimal("longitude", "经度", source=("longitude",), compute=lambda value: degrees(value), at_most=7),
        decimal("latitude", "纬度", source=("latitude",), compute=lambda value: degrees(value), at_most=7),
        Column("position_from", "位置来源", help="exif 照片，phone 手机"),
        decimal("accuracy_m", "位置精度（米）"),
        decimal("azimuth", "方位角（度）"),
        whole("width", "宽"),
        whole("height", "高"),
        Column("sha256", "校验值"),
        texts("flags", "提示"),
        Column("note", "说明"),
        moment("received_at", "收到时间"),
        moment("withdrawn_at", "撤下时间"),
        Column("withdrawn_reason", "撤下原因"),
    )
    filters = (
        town_filter(),
        Whole("year", "年度", "parcel__year"),
        Filter("kind", "任务类型", "parcel__kind_id"),
        Subtree(),
        Id("parcel", "图斑的 id", "parcel_id"),
        Id("issue", "整改问题的 id", "issues"),
        Filter("category", "类别"),
        Filter("phase", "阶段"),
        Filter("view", "拍摄内容"),
    )
    ordering = ("received_at", "taken_at", "town", "division")

    def enrich(self, rows):
        """The issue; no coordinates for who may not see those of the division."""
        links = Issue.photos.through.objects.filter(evidence__in=[row["id"] for row in rows])
        issues = dict(links.values_list("evidence", "issue"))
        open_to = {one.code for one in with_coordinates(self.request.user)}
        for row in rows:
            row["issue"] = issues.get(row["id"])
            if row["division"] not in open_to:
                row["longitude"] = row["latitude"] = row["accuracy_m"] = None

    added = {"notes": serializers.ListField(child=serializers.CharField(), help_text="收下时的提示")}
    is_keyed = True

    @extend_schema(summary="上传照片或材料", request={"multipart/form-data": EvidenceUpload})
    def post(self, request):
        check_names(request.query_params, [])
        body = EvidenceBody(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        parcel = parcel_of(request.user, values["parcel"])
        file = file_of(request)
        year = TownYear.objects.filter(town=parcel.town, year=parcel.year).first()
        try:
            if year and year.closed_on:
                text = f"{parcel.town} {year.year} 年已关账，不再收举证材料。"
                raise EvidenceRefused(text, field="parcel", code="closed")
            started, common = timezone.now(), {"by": request.user, "key": idempotency_key(request)}
            row = add(file, division=parcel.division, parcel=parcel, **common, **said_in(values))
        except EvidenceRefused as refusal:
            raise refused(refusal) from refusal
        return self.answered(row, started)

    def answered(self, row: Evidence, started: datetime) -> Response:
        """The row as the list shows it: 201 when it came in now, 200 when it was there already."""
        (found,) = self.finished([self.one(self.request.user, str(row.pk))])
        is_new = row.received_at >= started
        answer = self.table.as_json(found) | {"notes": row.notes}
        return Response(answer, status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)


def file_of(request):
    file = request.FILES.get("file")
    if file is None:
        raise wrong_parameter("file", "没有收到文件，请用 multipart/form-data 的 file 字段上传。", "required")
    return file


def degrees(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(round(value, 7)))


def parcel_of(user, pk) -> Parcel:
    """The parcel, in scope and with the right to report on it."""
    parcels = Parcel.objects.visible_to(user).select_related("division__town", "town", "kind")
    parcel = parcels.filter(pk=pk).first()
    if parcel is None:
        raise exceptions.NotFound
    if not user.can("report", parcel.division, parcel.kind_id):
        raise exceptions.PermissionDenied(NO_RIGHT, code="no_right")
    return parcel


def said_in(values: dict) -> dict:
    """A MaterialBody as ``evidence_store.add`` takes it."""
    said = {name: values.get(name, "") for name in ("category", "phase", "view")}
    return said | {"note": values.get("note", "").strip()} | said_by_phone(values)


def said_by_phone(values: dict) -> dict:
    """``position`` and ``taken_at`` of a PhotoBody as the store takes them."""
    position = None
    if "longitude" in values and "latitude" in values:
        more = {name: values.get(name) for name in ("accuracy_m", "azimuth")}
        position = Position(values["longitude"], values["latitude"], **more)
    return {"position": position, "taken_at": moment_of(values.get("taken_at", ""))}


def moment_of(text: str) -> datetime | None:
    """When the phone says the photo was taken; without an offset it is local time."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.strip())
        return (
            timezone.make_aware(found)
            if timezone.is_naive(found)
            else found.astimezone(timezone.get_current_timezone())
        )
    except (ValueError, OverflowError) as error:
        shown = f"taken_at 的值“{text}”不是 ISO 8601 时刻，请写成 2024-10-12T08:00:00+08:00 的样子。"
        raise EvidenceRefused(shown, field="taken_at") from error


def refused(refusal) -> exceptions.APIException:
    """A refusal of a service as an answer: by its code, else 400 about the field."""
    if refusal.code == "too_large":
        return TooLarge(refusal.message)
    if refusal.code in STATUSES:
        answer = exceptions.APIException(refusal.message, code=refusal.code)
        answer.status_code = STATUSES[refusal.code]
        return answer
    return wrong_parameter(refusal.field or "non_field_errors", refusal.message, refusal.code)


class EvidenceFile(APIView):
    """举证的文件：原件（照片的原件带位置，须可看坐标），或去掉位置的展示件、缩略图。"""

    @extend_schema(
        summary="下载举证的文件",
        operation_id="evidence_file",
        parameters=[OpenApiParameter("copy", str, enum=list(COPIES), description="默认 original")],
        responses={(200, one): OpenApiTypes.BINARY for one in ("application/octet-stream", *TYPES.values())},
    )
    def get(self, request, id):
        check_names(request.query_params, ["copy"])
        which = request.query_params.get("copy", "original")
        if which not in COPIES:
            raise wrong_parameter("copy", f"copy 应为 {'、'.join(COPIES)}，现为“{which[:20]}”。")
        rows = Evidence.objects.visible_to(request.user).select_related("division", "original", "shown", "thumbnail")
        one = rows.filter(pk=id).first()
        if one is None:
            raise exceptions.NotFound
        if not may_have(request.user, one, which):
            raise exceptions.PermissionDenied(WITH_POSITION)
        answer = file_answer(request, one, which)
        if answer is None:
            raise exceptions.NotFound
        return answer


class StageBody(Body):
    """A stage as reported. ``area_mu`` is cumulative; ``seen_mu`` is what the client last saw, to find a conflict."""

    stage = serializers.CharField(max_length=40)
    area_mu = PlainDecimalField(max_digits=12, decimal_places=4, min_value=Decimal(0))
    on = DayField()
    crop = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=40)
    reason = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=300)
    work = serializers.UUIDField(required=False, allow_null=True, help_text="有几项治理任务时写明")
    seen_mu = PlainDecimalField(required=False, allow_null=True, max_digits=12, decimal_places=4)


class StageAnswer(serializers.Serializer):
    id = serializers.CharField(allow_null=True, help_text="写入的进展；没有变化为空")
    parcel = serializers.CharField()
    work = serializers.CharField()
    stage = serializers.CharField()
    area_mu = serializers.CharField()
    job = serializers.CharField(allow_null=True)


class ParcelStage(APIView):
    """报图斑的环节和面积（累计），与手机页、进度表同一规则。"""

    is_keyed = True

    @extend_schema(
        summary="报图斑的环节", operation_id="parcels_stage", request=StageBody,
        responses={201: StageAnswer, 200: StageAnswer},
    )  # fmt: skip
    def post(self, request, id):
        check_names(request.query_params, [])
        parcel = parcel_of(request.user, id)
        body = StageBody(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        town_year = TownYear.objects.filter(town=parcel.town, year=parcel.year).first()
        if town_year is None:
            raise exceptions.NotFound
        report = Report(
            stage=values["stage"],
            area=values["area_mu"],
            on=values["on"],
            crop=values.get("crop") or "",
            reason=values.get("reason") or "",
            work=str(values["work"]) if values.get("work") else "",
            seen=values.get("seen_mu"),
            key=idempotency_key(request),
        )
        try:
            done = report_stage(town_year, parcel, report, by=request.user)
        except StageRefused as refusal:
            raise refused(refusal) from refusal
        answer = {
            "id": done.step and str(done.step.pk),
            "parcel": str(parcel.pk),
            "work": str(done.work.pk),
            "stage": values["stage"],
            "area_mu": plain(done.area),
            "job": done.job and str(done.job.pk),
        }
        return Response(answer, status=status.HTTP_201_CREATED if done.job else status.HTTP_200_OK)


paths = [
    path("evidence/<uuid:id>/file/", EvidenceFile.as_view(), name="api_evidence_file"),
    path("parcels/<uuid:id>/stage/", ParcelStage.as_view(), name="api_parcel_stage"),
]
