"""What holds for every request and answer: texts that can be stored, and answers that no shared cache keeps."""

import codecs

from django.core.exceptions import BadRequest

from farmland.lib.api.http import is_readable

API = "/api/"


class ReadableTexts:
    """Pages refuse NUL and half surrogates with 400 before a query meets them; the API names the field itself.

    Texts of requests are UTF-8: another ``charset`` in the header of a request is not used to read its parameters.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.encoding and codecs.lookup(request.encoding).name != "utf-8":
            request.encoding = "utf-8"
        if not request.path.startswith(API):
            check([request.path, *texts(request.GET)])
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        """The form's fields; a view that guards the size of its body itself (csrf_exempt) is left to read it."""
        if request.method == "POST" and not getattr(view, "csrf_exempt", False):
            check(texts(request.POST))


def texts(parameters) -> list[str]:
    return [text for name, values in parameters.lists() for text in (name, *values)]


def check(found: list[str]) -> None:
    if not all(is_readable(text) for text in found):
        raise BadRequest("参数含有无法保存的字符。")


class PrivateAnswers:
    """What a signed-in user gets is asked for again each time and kept by no cache but the user's own."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        answer = self.get_response(request)
        if not answer.has_header("Cache-Control") and getattr(request, "user", None) and request.user.is_authenticated:
            answer["Cache-Control"] = "private, no-cache"
        return answer
