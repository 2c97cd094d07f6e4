"""OpenAPI of the lists, generated from their column tables; other views keep drf-spectacular's way."""

from functools import cache

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from drf_standardized_errors.openapi import AutoSchema
from rest_framework import serializers

from farmland.lib.api.columns import Column
from farmland.lib.api.parameters import COMMON, PAGE_SIZE, PAGE_SIZE_MAX

FIELDS = {
    "text": serializers.CharField,
    "whole": serializers.IntegerField,
    "date": serializers.DateField,
    "moment": serializers.DateTimeField,
    "yes": serializers.BooleanField,
    "data": serializers.JSONField,
}
FILE_TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "geojson": "application/geo+json",
}
KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER,
    description="每条记录一个，最长 100 字符；同键同内容重发不重复写，同键不同内容回 422",
)  # fmt: skip
WRITING = {
    403: "没有此项权限；填报人验收自己填报的",
    409: "已被别人改过、状态不允许或年度已关账",
    413: "内容过大",
    415: "内容类型不对",
}
REUSED = {422: "这个 Idempotency-Key 已用于另一条内容"}
ERRORS = {
    400: "参数不对：未知的名称、格式、页码或时刻",
    401: "没有令牌，或令牌无效",
    404: "没有这一项，或不在范围内",
    405: "不支持的请求方法",
    429: "请求过多，见 Retry-After",
}


class ErrorItem(serializers.Serializer):
    """One thing that is wrong."""

    code = serializers.CharField()
    detail = serializers.CharField(help_text="中文说明：错在哪里、现值、怎么办")
    attr = serializers.CharField(allow_null=True, help_text="出错的参数或字段")


class ErrorBody(serializers.Serializer):
    """Every error of this API."""

    type = serializers.ChoiceField(choices=["validation_error", "client_error", "server_error"])
    errors = ErrorItem(many=True)


def field_of(column: Column) -> serializers.Field:
    """The serializer field that describes a column (used for the schema only)."""
    text = f"{column.label}。{column.help}" if column.help else column.label
    required = column.name in ("id", "updated_at")
    options = {"help_text": text, "allow_null": not required, "read_only": True}
    match column.kind:
        case "id":
            return serializers.CharField(**options)
        case "decimal":
            return serializers.DecimalField(max_digits=19, decimal_places=column.places or column.at_most, **options)
        case "texts":
            return serializers.ListField(child=serializers.CharField(), **options)
        case _:
            return FIELDS[column.kind](**options)


@cache
def row_serializer(view) -> type[serializers.Serializer]:
    stem = "".join(part.capitalize() for part in view.name.split("-"))
    fields = {column.name: field_of(column) for column in view.table.columns}
    return type(f"{stem}Row", (serializers.Serializer,), {**fields, "__doc__": f"{view.label}的一行。"})


@cache
def page_serializer(view) -> type[serializers.Serializer]:
    stem = "".join(part.capitalize() for part in view.name.split("-"))
    fields = {
        "next": serializers.URLField(allow_null=True, read_only=True),
        "previous": serializers.URLField(allow_null=True, read_only=True),
        "results": row_serializer(view)(many=True, read_only=True),
    }
    return type(f"{stem}Page", (serializers.Serializer,), {**fields, "__doc__": f"{view.label}的一页。"})


@cache
def answer_serializer(door) -> type[serializers.Serializer]:
    """What a POST answers: the row as its list shows it, and what the door adds."""
    row = row_serializer(door.list_view)
    if not door.added:
        return row
    return type(
        f"{door.__name__}Answer", (row,), {**door.added, "__doc__": f"{door.list_view.label}的一行，和办理结果。"}
    )


class HouseSchema(AutoSchema):
    """Other doors: their own serializers, and one body for every error."""

    @property
    def is_keyed(self) -> bool:
        return self.method == "POST" and getattr(self.view, "is_keyed", False)

    def get_override_parameters(self):
        return [KEY] if self.is_keyed else []

    def get_operation_id(self):
        return super().get_operation_id().removeprefix("v1_")

    def get_tags(self):
        return [part for part in self._tokenize_path() if part != "v1"][:1]

    def _get_allowed_error_status_codes(self):
        return []

    def _get_response_bodies(self, direction="response"):
        bodies = super()._get_response_bodies(direction=direction)
        if direction != "response":
            return bodies
        writing = {} if self.method == "GET" else WRITING
        for code, text in (ERRORS | writing | (REUSED if self.is_keyed else {})).items():
            if str(code) not in bodies:
                bodies[str(code)] = self._get_response_for_code(OpenApiResponse(ErrorBody, text), str(code))
        return dict(sorted(bodies.items()))


class ListSchema(HouseSchema):
    """A list's operations: parameters from its filters, rows from its columns."""

    @property
    def is_detail(self) -> bool:
        return "{id}" in self.path

    def get_operation_id(self):
        if self.method != "GET":
            return super().get_operation_id()
        return f"{self.view.name.replace('-', '_')}_{'retrieve' if self.is_detail else 'list'}"

    def get_tags(self):
        return [self.view.name]

    def get_summary(self):
        return f"{self.view.label}：{'一项' if self.is_detail else '列表'}" if self.method == "GET" else None

    def get_description(self):
        return super().get_description() if self.method != "GET" else self.view.label

    def get_override_parameters(self):
        if self.method != "GET":
            return super().get_override_parameters()
        if self.is_detail:
            return [OpenApiParameter("id", str, OpenApiParameter.PATH, description="编号")]
        view = self.view
        names = [sign + name for name in ("id", *view.ordering) for sign in ("", "-")]
        common = {
            "page_size": {"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MAX, "default": PAGE_SIZE},
            "cursor": {"type": "string"},
            "ordering": {"type": "string", "example": names[-2]},
            "format": {"type": "string", "enum": list(view.formats), "default": "json"},
        }
        texts = COMMON | {"ordering": f"{COMMON['ordering']}。可用：{'、'.join(('id', *view.ordering))}"}
        return [
            *(OpenApiParameter(one.name, one.schema, description=one.label) for one in view.all_filters),
            *(OpenApiParameter(name, schema, description=texts[name]) for name, schema in common.items()),
        ]

    def get_request_serializer(self):
        return None if self.method == "GET" else super().get_request_serializer()

    def get_response_serializers(self):
        view = self.view.list_view
        if self.method != "GET":
            return dict.fromkeys(self.view.successes, answer_serializer(type(self.view)))
        answer = row_serializer(view) if self.is_detail else page_serializer(view)
        answers = {(200, "application/json"): answer, 304: OpenApiResponse(description="没有变化（If-None-Match）")}
        if not self.is_detail:
            files = {(200, FILE_TYPES[name]): OpenApiTypes.BINARY for name in self.view.formats if name != "json"}
            answers |= files
        return answers
