"""``parcels/{id}/…`` over REST: the finding, a further work, and edits with the version that was read."""

from decimal import Decimal

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.response import Response

from farmland.lib.api.errors import wrong_parameter
from farmland.lib.api.fields import Body, DayField, PlainDecimalField
from farmland.lib.api.http import idempotency_key
from farmland.lib.api.lists import json_response
from farmland.lib.api.parameters import check_names
from farmland.lib.refused import Refused
from farmland.places.models import Division
from parcels.api import ParcelList
from parcels.changes import NAMES, Edit
from parcels.models import Parcel, Work
from parcels.verification import LABELS, Said
from parcels.works import Plan
from tasks import boundary, land
from tasks.acceptance_api import refused
from tasks.models import TownYear
from tasks.overlaps import overlaps_of


def area(**more) -> PlainDecimalField:
    limits = {"max_digits": 12, "decimal_places": 4, "min_value": Decimal(0)}
    return PlainDecimalField(required=False, allow_null=True, **limits, **more)


class FindingSerializer(Body):
    """核查结论；无问题、未撂荒和不可整改须先上传举证。"""

    finding = serializers.ChoiceField(list(LABELS.items()))
    on = DayField(required=False, help_text="核查日期，不写为工作日期")
    area_mu = area(help_text="部分属实的面积")
    reason = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=40,
                                   help_text="字典 reason 的代码；不可整改须写")  # fmt: skip
    note = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=300)
    version = serializers.IntegerField(required=False, min_value=1, help_text="读到的版本；已被别人改过时回 409")


class WorkSerializer(Body):
    """一项治理：任务、计划面积、措施、处置类别。"""

    kind = serializers.CharField(required=False, max_length=40, help_text="不写为图斑的任务")
    area_mu = PlainDecimalField(max_digits=12, decimal_places=4)
    measure = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=40)
    treatment = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=40)


class EditSerializer(Body):
    """要改的字段；不写的不改。版本写在 version 或 If-Match。"""

    division = serializers.CharField(required=False, max_length=30)
    group = serializers.CharField(required=False, allow_blank=True, max_length=40)
    ground_state = serializers.CharField(required=False, allow_blank=True, max_length=40)
    land_class = serializers.CharField(required=False, allow_blank=True, max_length=10)
    slope = area()
    in_redline = serializers.BooleanField(required=False, allow_null=True)
    gross_mu = area()
    cultivated_mu = area()
    pbf_mu = area()
    net_mu = area()
    note = serializers.CharField(required=False, allow_blank=True, max_length=300)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=300, help_text="改动面积或村须写")
    version = serializers.IntegerField(required=False, min_value=1)


class BoundarySerializer(Body):
    """一个图形的文件，或去掉图形。"""

    boundary = serializers.FileField(required=False, help_text="GeoJSON、KML、GeoPackage 或打包的 Shapefile，一个图形")
    remove = serializers.BooleanField(default=False)
    zone = serializers.IntegerField(required=False, min_value=1, max_value=99_999,
                                    help_text="文件没有坐标系说明时的 EPSG 代码")  # fmt: skip
    sure = serializers.BooleanField(default=False, help_text="图形面积与下发面积相差超过 1% 也保存")
    reason = serializers.CharField(required=False, allow_blank=True, max_length=300, help_text="更换或去掉须写")
    version = serializers.IntegerField(required=False, min_value=1)


class WorkAnswer(serializers.Serializer):
    """登记的治理。"""

    id = serializers.CharField()
    kind = serializers.CharField()
    year = serializers.IntegerField()
    area_mu = PlainDecimalField(max_digits=12, decimal_places=4)
    measure = serializers.CharField(allow_null=True)
    treatment = serializers.CharField(allow_null=True)
    exit = serializers.CharField(allow_null=True, help_text="退出方式；没有退出为空")
    replaces = serializers.CharField(allow_null=True, help_text="所替代治理的 id")


class OverlapSerializer(serializers.Serializer):
    """一处重叠；范围以外的图斑只报年度。"""

    def get_fields(self):
        return super().get_fields() | {"with": serializers.ChoiceField(["parcel", "layer"])}

    by = serializers.ChoiceField(["code", "area"])
    year = serializers.IntegerField(help_text="另一方的年度")
    layer = serializers.CharField(allow_null=True, help_text="图层名称")
    layer_kind = serializers.CharField(allow_null=True, help_text="字典 layer_kind 的代码")
    on_restore = serializers.CharField(allow_null=True, help_text="forbid 不得恢复，warn 须核对，allow 只提示")
    parcel = serializers.CharField(allow_null=True, help_text="另一图斑的 id")
    codes = serializers.ListField(child=serializers.CharField(), allow_null=True)
    division = serializers.CharField(allow_null=True)
    area_mu = PlainDecimalField(max_digits=12, decimal_places=4, allow_null=True, help_text="只按编号的为空")
    share = PlainDecimalField(max_digits=5, decimal_places=4, allow_null=True, help_text="占本图斑，0 到 1")


class ParcelDoor(ParcelList):
    """Base of the posts on one parcel; the answer is the parcel as the list shows it, with its version."""

    http_method_names = ("post", "options")
    right = "decide"
    successes = (200,)

    def __init_subclass__(cls, **kwargs):
        cls.list_view = ParcelList  # one row in the schema, not one per door
        super().__init_subclass__(**kwargs)

    def found(self, request, id) -> tuple[TownYear, Parcel]:
        """The parcel in scope and its year, else 404; 403 without the right."""
        if self.one(request.user, id) is None:
            raise exceptions.NotFound
        parcel = Parcel.objects.select_related("town", "division", "kind").get(pk=id)
        if not request.user.can(self.right, parcel.division, parcel.kind_id):
            raise exceptions.PermissionDenied
        town_year = TownYear.objects.filter(town=parcel.town, year=parcel.year).first()
        if town_year is None:
            raise exceptions.NotFound
        return town_year, parcel

    def answer(self, request, parcel: Parcel, more: dict | None = None, code: int = status.HTTP_200_OK) -> Response:
        (row,) = self.finished([self.one(request.user, str(parcel.pk))])
        version = Parcel.objects.values_list("version", flat=True).get(pk=parcel.pk)
        answer = Response(self.table.as_json(row) | {"version": version} | (more or {}), status=code)
        answer["ETag"] = f'"{version}"'
        return answer


class ParcelFinding(ParcelDoor):
    """图斑的核查结论。"""

    right = "report"
    added = {"settled": serializers.BooleanField(help_text="镇里是否已认可")}
    successes = (200, 201)

    @extend_schema(request=FindingSerializer, summary="登记核查结论", operation_id="parcels_finding")
    def post(self, request, id):
        town_year, parcel = self.found(request, id)
        sent = FindingSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        one = sent.validated_data
        said = Said(
            one["finding"], one.get("on") or town_year.today(), one.get("area_mu"), one.get("reason") or "",
            one.get("note") or "", one.get("version"),
        )  # fmt: skip
        try:
            is_new = land.verify(town_year, parcel, said, by=request.user)
        except Refused as refusal:
            raise refused(refusal) from refusal
        parcel.refresh_from_db()
        settled = parcel.attrs["verification"]["settled"]
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return self.answer(request, parcel, {"settled": settled}, code)


class ParcelWorks(ParcelDoor):
    """图斑的治理。"""

    added = {"work": WorkAnswer()}
    successes = (200, 201)
    is_keyed = True

    @extend_schema(request=WorkSerializer, summary="增加一项治理", operation_id="parcels_works")
    def post(self, request, id):
        town_year, parcel = self.found(request, id)
        sent = WorkSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        one = sent.validated_data
        plan = Plan(one["area_mu"], one.get("measure") or "", one.get("treatment") or "")
        kind, key = one.get("kind") or parcel.kind_id, idempotency_key(request)
        try:
            work, is_new = land.add_work(town_year, parcel, kind, plan, by=request.user, key=key)
        except Refused as refusal:
            raise refused(refusal) from refusal
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return self.answer(request, parcel, {"work": work_json(work)}, code)


class ParcelEdit(ParcelDoor):
    """图斑的基本情况。"""

    @extend_schema(request=EditSerializer, summary="修改图斑", operation_id="parcels_edit")
    def post(self, request, id):
        town_year, parcel = self.found(request, id)
        sent = EditSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        one = sent.validated_data
        values = {name: one[name] for name in NAMES if name in one}
        if "division" in values:
            values["division"] = division_in(request.user, town_year, parcel, values["division"])
        version = one.get("version") or version_of(request)
        try:
            land.edit(town_year, parcel, Edit(values, version, one.get("reason", "")), by=request.user)
        except Refused as refusal:
            raise refused(refusal) from refusal
        return self.answer(request, parcel)


class ParcelBoundary(ParcelDoor):
    """图斑的图形；须能看坐标。"""

    @extend_schema(request={"multipart/form-data": BoundarySerializer}, summary="登记、更换或去掉图形",
                   operation_id="parcels_boundary")  # fmt: skip
    def post(self, request, id):
        town_year, parcel = self.found(request, id)
        if not request.user.can("coordinates", parcel.division):
            raise exceptions.PermissionDenied
        sent = BoundarySerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        one = sent.validated_data
        if ("boundary" in one) == one["remove"]:
            raise wrong_parameter("boundary", "请附图形文件；要去掉图形的不附文件，写 remove=true。")
        try:
            drawn = None
            if not one["remove"]:
                upload = boundary.keep(one["boundary"], parcel.division, request.user)
                drawn = boundary.read_one(upload, zone=one.get("zone"))
            wish = boundary.Wish(drawn, one.get("reason", ""), one.get("version") or version_of(request), one["sure"])
            boundary.set_boundary(town_year, parcel, wish, by=request.user)
        except Refused as refusal:
            raise refused(refusal) from refusal
        return self.answer(request, parcel)


class ParcelOverlaps(ParcelList):
    """图斑的重叠。"""

    http_method_names = ("get", "head", "options")
    list_view = ParcelList

    @extend_schema(responses=OverlapSerializer(many=True), summary="图斑和什么重叠", operation_id="parcels_overlaps")
    def get(self, request, id):
        check_names(request.query_params, [])
        if self.one(request.user, id) is None:
            raise exceptions.NotFound
        parcel = Parcel.objects.select_related("town").get(pk=id)
        return json_response(request, [overlap_json(one) for one in overlaps_of(parcel, request.user)])


def overlap_json(one: dict) -> dict:
    other, layer = one["other"], one["layer"]
    return {
        "with": "layer" if layer else "parcel", "by": one["code"], "year": one["year"],
        "layer": layer.title if layer else None, "layer_kind": layer.source if layer else None,
        "on_restore": one["kind"].on_restore if one["kind"] else None,
        "parcel": str(other.pk) if other else None, "codes": other.codes if other else None,
        "division": other.division.code if other else None,
        "area_mu": text_of(one["area_mu"]), "share": text_of(one["share"]),
    }  # fmt: skip


def text_of(number: Decimal | None) -> str | None:
    return None if number is None else format(number, "f")


def division_in(user, town_year: TownYear, parcel: Parcel, code: str) -> Division:
    found = Division.objects.visible_to(user).filter(town=town_year.town, code=code).first()
    if found is None or not user.can("decide", found, parcel.kind_id):
        raise wrong_parameter("division", f"没有代码为“{code}”的村，或不在您的范围内。")
    return found


def version_of(request) -> int | None:
    """The version in ``If-Match``, as the last answer's ETag gave it; None where there is none."""
    text = request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise wrong_parameter("If-Match", f"If-Match 应为读到的版本号，现为“{text[:20]}”。")
    return int(text)


def work_json(work: Work) -> dict:
    return {
        "id": str(work.pk), "kind": work.kind_id, "year": work.year, "area_mu": format(work.area_mu, "f"),
        "measure": work.measure or None, "treatment": work.treatment or None, "exit": work.exit or None,
        "replaces": str(work.replaces_id) if work.replaces_id else None,
    }  # fmt: skip


paths = [
    path("parcels/<str:id>/finding/", ParcelFinding.as_view(), name="api_parcels_finding"),
    path("parcels/<str:id>/works/", ParcelWorks.as_view(), name="api_parcels_works"),
    path("parcels/<str:id>/boundary/", ParcelBoundary.as_view(), name="api_parcels_boundary"),
    path("parcels/<str:id>/overlaps/", ParcelOverlaps.as_view(), name="api_parcels_overlaps"),
    path("parcels/<str:id>/edit/", ParcelEdit.as_view(), name="api_parcels_edit"),
]
