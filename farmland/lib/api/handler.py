"""How an exception becomes an answer of the REST doors, and the answer of addresses that do not exist."""

import re

from django.conf import settings
from django.core import exceptions as core
from django.http import UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from drf_spectacular.utils import extend_schema
from drf_standardized_errors.handler import ExceptionHandler
from rest_framework import exceptions
from rest_framework.views import APIView

from farmland.lib.api.errors import DETAILS, TooLarge

HAN = re.compile(r"[一-鿿]")
BETTER = {
    "null_characters_not_allowed": "含有无法保存的空字符（NUL），请删去后重新提交。"
}  # Django's own speaks of empty texts


class ApiExceptionHandler(ExceptionHandler):
    """Django's refusals become API answers, and every answer speaks Chinese."""

    def convert_known_exceptions(self, exc):
        if isinstance(exc, core.TooManyFilesSent):
            return TooLarge(f"一次最多 {settings.DATA_UPLOAD_MAX_NUMBER_FILES} 个文件，请分次提交。")
        if isinstance(exc, core.RequestDataTooBig | core.TooManyFieldsSent):
            return TooLarge()
        if isinstance(exc, core.SuspiciousOperation | MultiPartParserError | UnreadablePostError):
            return exceptions.ParseError(DETAILS[400])
        return super().convert_known_exceptions(exc)

    def convert_unhandled_exceptions(self, exc):
        if isinstance(exc, exceptions.APIException):
            return exc
        return exceptions.APIException(DETAILS[500])

    def format_exception(self, exc):
        if isinstance(exc.detail, str):
            exc.detail = exceptions.ErrorDetail(chinese(exc), code=exc.detail.code)
        answer = super().format_exception(exc)
        for one in answer["errors"]:
            one["detail"] = BETTER.get(one["code"], one["detail"])
        return answer


def chinese(exc: exceptions.APIException) -> str:
    """The detail if it is Chinese and special; 404 and 401 without a word of their own get the house's sentence."""
    text = str(exc.detail)
    is_default = exc.detail == exc.default_detail
    if exc.status_code in DETAILS and (is_default or not HAN.search(text)):
        return DETAILS[exc.status_code]
    return text if text.endswith(("。", "！", "？")) else f"{text}。"


@extend_schema(exclude=True)
class NoSuchAddress(APIView):
    """The answer of every address below /api/ that does not exist."""

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        raise exceptions.NotFound
