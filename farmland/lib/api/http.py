"""What every REST address shares: JSON whatever the client says it accepts, strict bodies, throttles."""

import codecs
import json
import logging
from decimal import Decimal

from django.conf import settings
from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.settings import api_settings
from rest_framework.throttling import SimpleRateThrottle

from farmland.lib.api.errors import TooLarge, wrong_parameter

logger = logging.getLogger(__name__)


class JsonOnly(BaseContentNegotiation):
    """Answers in the view's first renderer; ``Accept`` and ``?format=`` choose nothing here."""

    def select_parser(self, request, parsers):
        for parser in parsers:
            if (request.content_type or "").partition(";")[0].strip().lower() == parser.media_type:
                return parser
        return None

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


def is_readable(text: str) -> bool:
    """Whether a text can be stored and compared: no NUL, no lone surrogate."""
    return not any(letter == "\x00" or "\ud800" <= letter <= "\udfff" for letter in text)


def unreadable_place(value, place: str = "") -> str | None:
    """Where the first unreadable text inside a parsed JSON value is ("" for the value itself); None if all is well."""
    if isinstance(value, str):
        return None if is_readable(value) else place
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in pairs:
        inside = f"{place}.{key}".lstrip(".")
        if not is_readable(str(key)):
            return place
        if (found := unreadable_place(one, inside)) is not None:
            return found
    return None


class StrictJSON(JSONParser):
    """JSON with exact numbers (Decimal, never float), a size limit (413), no text a database would refuse (400)."""

    def parse(self, stream, media_type=None, parser_context=None):
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise TooLarge(f"请求的内容超过 {limit // 1024 // 1024} MB，请分次提交。")
        try:
            text = codecs.decode(raw, (parser_context or {}).get("encoding") or "utf-8")
            value = json.loads(text, parse_float=Decimal, parse_constant=refuse_constant)
            place = unreadable_place(value)
        except (ValueError, LookupError, RecursionError) as error:
            raise exceptions.ParseError("请求的内容不是有效的 JSON，请检查格式后重新提交。") from error
        if place is not None:
            raise exceptions.ParseError("请求的内容含有无法保存的字符（NUL 或半个代理码），请删除后重新提交。")
        if not isinstance(value, dict):
            raise exceptions.ParseError("请求的内容应为一个 JSON 对象 {…}，请按接口说明填写各字段。")
        return value


def idempotency_key(request) -> str:
    """The header ``Idempotency-Key``, "" where there is none; 400 when no such text can be kept."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > 100 or not key.isprintable():
        raise wrong_parameter("Idempotency-Key", "Idempotency-Key 应为不超过 100 个字符的可见文字，请修改。")
    return key


def refuse_constant(name: str):
    raise ValueError(f"{name} is not a number")


def cache_faults() -> tuple[type[Exception], ...]:
    """What a cache that is away raises. Importing redis takes a third of a start: only where it is the cache."""
    if not settings.REDIS_URL:
        return (OSError,)
    from redis.exceptions import RedisError

    return OSError, RedisError


class ScopedThrottle(SimpleRateThrottle):
    """Counts calls of one token (or signed-in user) on Django's cache; a cache that is down lets calls through."""

    def __init__(self):
        self.rate = api_settings.DEFAULT_THROTTLE_RATES[self.scope]
        self.num_requests, self.duration = self.parse_rate(self.rate)

    def get_cache_key(self, request, view):
        who = getattr(request.auth, "digest", None) or f"user-{getattr(request.user, 'pk', None)}"
        return f"throttle:{self.scope}:{who}"

    def allow_request(self, request, view):
        try:
            return super().allow_request(request, view)
        except cache_faults() as error:
            logger.warning("throttle skipped scope=%s error=%s", self.scope, type(error).__name__)
            return True


class TokenThrottle(ScopedThrottle):
    scope = "token"


class ExportThrottle(ScopedThrottle):
    scope = "export"
