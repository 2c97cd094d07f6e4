"""Errors of the REST doors: one shape, Chinese details, and never a 500 for what a client sent.

``{"type", "errors": [{"code", "detail", "attr"}]}`` as drf-standardized-errors writes it.
"""

from rest_framework import exceptions, status

DETAILS = {
    400: "请求的内容无法解析，请检查格式后重新提交。",
    401: "未提供有效的令牌，请在请求头写明 Authorization: Token 令牌。",
    403: "您没有此项操作的权限，或页面已过期，请刷新页面后重试。",
    404: "没有这一项，或不在您的范围内，请核对地址。",
    405: "此地址不支持这种请求方法，请查看 /api/docs/。",
    413: "提交的内容过大，请缩小后重新提交。",
    415: "不支持这种请求内容，请用 application/json 或 multipart/form-data。",
    500: "服务器出错，已记入日志，请稍后再试。",
}


class TooLarge(exceptions.APIException):
    """413: the body is larger than the door takes."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"
    default_detail = DETAILS[413]


def wrong_parameter(name: str, detail: str, code: str = "invalid") -> exceptions.ValidationError:
    """400 about one parameter or field."""
    return exceptions.ValidationError({name: [exceptions.ErrorDetail(detail, code=code)]})
