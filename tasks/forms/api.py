"""``forms/``: the blank form, the door for filled ones, the list of what came in (contract §4)."""

import time

from django.conf import settings
from django.http import HttpResponse
from django.urls import path, reverse
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from farmland.jobs.models import Upload
from farmland.jobs.storage import TooLarge as FileTooLarge
from farmland.lib.api.columns import Column, moment, whole
from farmland.lib.api.errors import TooLarge, wrong_parameter
from farmland.lib.api.files import XLSX_TYPE
from farmland.lib.api.filters import Filter, Whole
from farmland.lib.api.http import idempotency_key
from farmland.lib.api.lists import ListView
from farmland.lib.api.parameters import check_names
from farmland.places.api import Subtree, town_filter
from farmland.places.models import Division
from tasks.forms.changes import MINE, THEIRS
from tasks.forms.facts import NothingToReport, file_name, issue_form
from tasks.forms.incoming import MARKED, Expected, NotAllowed, NotYours, default_division, receive
from tasks.forms.services import KeyReused, Result, ask, conflict_json, difference_json, preview, submit
from tasks.models import Submission, TownYear

ENVELOPE = 64 * 1024  # what a multipart body holds beside the file
DRAIN_SECONDS, DRAIN_BYTES = 10, 400 * 1024 * 1024
NO_RIGHT = "您没有填报这个单位进度的权限，请由该单位的填报人上传。"


def too_large(request) -> bool:
    """Whether the body exceeds a form, by its announced length or, sent in chunks without one, by counting.

    What is too large is read and thrown away (for a while): a client still sending would not hear the answer.
    """
    limit = settings.FORM_MAX_BYTES + ENVELOPE
    announced = request.META.get("CONTENT_LENGTH") or ""
    if announced.isdigit():
        if int(announced) <= limit:
            return False
        thrown_away(request)
        return True
    in_chunks = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    return in_chunks and thrown_away(request.META["wsgi.input"]) > limit


def thrown_away(stream) -> int:
    """Read the stream to its end, or to the end of our patience; the number of bytes."""
    end, count = time.monotonic() + DRAIN_SECONDS, 0
    while count < DRAIN_BYTES and time.monotonic() < end and (piece := stream.read(ENVELOPE)):
        count += len(piece)
    return count


def size_text() -> str:
    return f"文件超过 {settings.FORM_MAX_BYTES // 1024 // 1024} MB 的上限，请删除图片和无关的工作表后再传。"


class SubmissionBody(serializers.Serializer):
    """What a form that was taken in is answered with."""

    id = serializers.CharField()
    receipt = serializers.CharField(allow_null=True, help_text="回执编号；没有写入的为空")
    state = serializers.ChoiceField(choices=["applied", "duplicate", "preview", "taken_back"])
    changed_rows = serializers.IntegerField()
    job = serializers.CharField(allow_null=True, help_text="重算作业的编号")
    notes = serializers.ListField(child=serializers.CharField(), help_text="说明：没有收下的锁定格、多余的行等")


class FormUpload(serializers.Serializer):
    file = serializers.FileField()


class FormDoor(ListView):
    """填报：上传的进度表及其结果。"""

    name = "forms"
    label = "填报"
    model = Submission
    parser_classes = (MultiPartParser,)
    columns = (
        Column("town", "乡镇", "town__slug"),
        whole("year", "年度"),
        Column("division", "村", "division__code"),
        Column("division_name", "村名", "division__name"),
        whole("version", "表格版本", "form__number"),
        Column("state", "状态"),
        Column("receipt", "回执编号"),
        whole("changed_rows", "变更行数"),
        Column("job", "重算作业", kind="id", help="进度和结果见 jobs/{id}/"),
        moment("submitted_at", "上传时间"),
        moment("taken_back_at", "撤回时间"),
    )
    filters = (
        town_filter(),
        Whole("year", "年度"),
        Subtree(),
        Filter("state", "状态"),
        Filter("receipt", "回执编号"),
    )
    ordering = ("submitted_at", "year", "state", "receipt")
    default_ordering = ("-submitted_at",)

    def initial(self, request, *args, **kwargs):
        if request.method == "POST" and self.is_known(request) and too_large(request._request):
            raise TooLarge(size_text())
        super().initial(request, *args, **kwargs)

    def is_known(self, request) -> bool:
        """Whether somebody is there, found out without reading the body; nobody's file is not waited for."""
        return bool(request.user) if request.headers.get("Authorization") else request._request.user.is_authenticated

    @extend_schema(
        summary="上传填好的进度表",
        request={"multipart/form-data": FormUpload},
        parameters=[
            OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description="每份表一个，重发时不变"),
            OpenApiParameter("preview", str, enum=["0", "1"], description="只核对，不写入"),
            OpenApiParameter("on_conflict", str, enum=[MINE, THEIRS], description="有冲突的格以谁为准"),
            OpenApiParameter("year", int, description="补报以前尚未关账的年度时写明"),
        ],
        responses={
            201: SubmissionBody,
            200: SubmissionBody,
            409: OpenApiResponse(description="下载以后别人改过同一格：errors 和 conflicts 给出两边的值"),
            413: OpenApiResponse(description="文件过大"),
            422: OpenApiResponse(description="同一个 Idempotency-Key 对应另一份内容"),
        },
    )
    def post(self, request):
        check_names(request.query_params, ["preview", "on_conflict", "year"])
        key = idempotency_key(request)
        choose = read_choice(request.query_params.get("on_conflict"))
        expected = Expected(year=read_year(request.query_params.get("year")))
        is_preview = read_preview(request.query_params.get("preview"))
        upload = self.keep(request)
        try:
            if is_preview:
                return preview_answer(request, preview(upload, request.user, expected, choose))
            return answer(request, submit(upload, request.user, expected, key=key, choose=choose))
        except NotYours as error:
            raise exceptions.NotFound from error
        except NotAllowed as error:
            raise exceptions.PermissionDenied(NO_RIGHT) from error
        except KeyReused:
            detail = "这个 Idempotency-Key 已用于另一份内容，请为每份表生成新的键。"
            return problem(422, [("key_reused", detail, "Idempotency-Key")])

    def keep(self, request) -> Upload:
        place = default_division(request.user)
        if place is None or not request.user.can("report"):
            raise exceptions.PermissionDenied(NO_RIGHT)
        file = request.FILES.get("file")
        if file is None:
            raise wrong_parameter(
                "file", "没有收到文件，请用 multipart/form-data 的 file 字段上传 .xlsx。", "required"
            )
        try:
            return receive(file, user=request.user, division=place)
        except FileTooLarge as error:
            raise TooLarge(size_text()) from error


def read_choice(text: str | None):
    if text is None:
        return ask
    if text not in (MINE, THEIRS):
        raise wrong_parameter("on_conflict", f"on_conflict 应为 mine 或 theirs，现为“{text[:40]}”。")
    return lambda cell: text


def read_preview(text: str | None) -> bool:
    """A misspelt wish for a preview must not write."""
    if text not in (None, "0", "1"):
        raise wrong_parameter("preview", f"preview 应为 1（只核对）或 0，现为“{text[:40]}”。")
    return text == "1"


def read_year(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) == 4):
        raise wrong_parameter("year", f"year 应为四位年份，现为“{text[:40]}”，请修改。")
    return int(text)


def body(result: Result) -> dict:
    submission = result.submission
    kept = [] if submission.state == "conflict" else [one["detail"] for one in submission.errors]
    notes = [*result.notes, *kept] if result.is_repeat else kept
    return {
        "id": str(submission.pk),
        "receipt": submission.receipt or None,
        "state": submission.state,
        "changed_rows": submission.changed_rows,
        "job": str(submission.job) if submission.job else None,
        "notes": notes,
    }


def answer(request, result: Result) -> Response:
    if result.state == "refused":
        return refusal_answer(request, result)
    if result.state == "conflict":
        return conflict_answer(result)
    is_new = result.state == "applied" and not result.is_repeat
    return Response(body(result), status=201 if is_new else 200)


def preview_answer(request, result: Result) -> Response:
    if result.state == "refused":
        return refusal_answer(request, result)
    outcome = result.outcome
    return Response(
        {
            "state": "preview",
            "changed_rows": outcome.changed_rows,
            "changes": [difference_json(one) for one in outcome.differences],
            "conflicts": [conflict_json(one) for one in outcome.conflicts],
            "notes": [*result.notes, *(one.text for one in result.doubts)],
        }
    )


def refusal_answer(request, result: Result) -> Response:
    """400: every wrong cell at once, and where the marked copy lies; 413 for a file too large."""
    if refusal := result.look.refusal:
        if refusal.code == "too-large":
            raise TooLarge(refusal.message)
        return problem(400, [(refusal.code, refusal.message, "file")], workbook=None)
    errors = [("cell", one.message, one.address) for one in result.errors]
    return problem(400, errors, workbook=workbook_address(request, result.marked))


def workbook_address(request, marked: Upload | None) -> str | None:
    return request.build_absolute_uri(reverse("api_form_workbook", args=[marked.pk])) if marked else None


def conflict_answer(result: Result) -> Response:
    conflicts = [conflict_json(one) for one in result.outcome.conflicts]
    errors = [("stale", stale_text(one), one["cell"]) for one in conflicts]
    return problem(409, errors, conflicts=conflicts)


def stale_text(one: dict) -> str:
    """Both values in one sentence."""
    shown = {name: one[name] or "空" for name in ("base", "mine", "theirs")}
    return (
        f"第 {one['row']} 行 [{one['column']}] 下载后有人改过：你填的 {shown['mine']}，系统现在 {shown['theirs']}"
        f"（下载时 {shown['base']}）。请选一个：on_conflict=mine 按表里的，theirs 按系统的。"
    )


def problem(status: int, errors: list[tuple[str, str, str | None]], **more) -> Response:
    """An answer in the API's error shape, with further members."""
    kind = "validation_error" if status == 400 else "client_error"
    listed = [{"code": code, "detail": detail, "attr": attr} for code, detail, attr in errors]
    return Response({"type": kind, "errors": listed, **more}, status=status)


def xlsx_answer(data: bytes, name: str) -> HttpResponse:
    """A workbook as an attachment under its Chinese name (RFC 5987), never guessed at, never kept by a cache."""
    found = HttpResponse(data, content_type=XLSX_TYPE)
    found["Content-Disposition"] = content_disposition_header(True, name)
    found["X-Content-Type-Options"] = "nosniff"
    found["Cache-Control"] = "private, no-cache"
    return found


class BlankForm(APIView):
    """一个村的空白进度表（.xlsx）。"""

    @extend_schema(
        summary="下载一个村的进度表",
        operation_id="forms_blank",
        parameters=[
            OpenApiParameter("town", str, required=True, description="乡镇标识，如 xihe"),
            OpenApiParameter("year", int, required=True, description="年度"),
            OpenApiParameter("division", str, required=True, description="行政区划代码"),
        ],
        responses={
            (200, XLSX_TYPE): OpenApiTypes.BINARY,
            400: OpenApiResponse(description="参数有误，或该单位没有按亩的任务"),
        },
    )
    def get(self, request):
        params = request.query_params
        check_names(params, ["town", "year", "division"])
        missing = [name for name in ("town", "year", "division") if not params.get(name)]
        if missing:
            detail = "缺少参数 {}，请写成 ?town=xihe&year=2024&division=代码。"
            raise exceptions.ValidationError(
                {name: [exceptions.ErrorDetail(detail.format(name), code="required")] for name in missing}
            )
        year = read_year(params["year"])
        visible = Division.objects.visible_to(request.user).select_related("town")
        division = visible.filter(code=params["division"], town__slug=params["town"]).first()
        if division is None or not TownYear.objects.filter(town=division.town, year=year).exists():
            raise exceptions.NotFound
        if not request.user.can("report", division):
            raise exceptions.PermissionDenied(NO_RIGHT)
        try:
            form, data = issue_form(division, year, request.user)
        except NothingToReport as error:
            return problem(400, [("nothing_to_report", str(error), "division")])
        return xlsx_answer(data, file_name(form))


class FormWorkbook(APIView):
    """标出错误的表格副本（.xlsx）。"""

    @extend_schema(
        summary="下载标出错误的表格",
        operation_id="forms_workbook",
        responses={(200, XLSX_TYPE): OpenApiTypes.BINARY},
    )
    def get(self, request, id):
        upload = Upload.objects.visible_to(request.user).filter(pk=id, purpose=MARKED).first()
        if upload is None:
            raise exceptions.NotFound
        with upload.open() as file:
            return xlsx_answer(file.read(), upload.name)


paths = [
    path("forms/blank/", BlankForm.as_view(), name="api_form_blank"),
    path("forms/workbooks/<uuid:id>/", FormWorkbook.as_view(), name="api_form_workbook"),
]
