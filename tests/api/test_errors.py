"""The one shape of errors, who may call, and how often."""

import pytest
from django.conf import settings
from django.test import override_settings
from rest_framework.settings import api_settings
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView

DIVISIONS = "/api/v1/divisions/"


def only_error(answer, status: int, kind: str = "client_error") -> dict:
    assert answer.status_code == status, answer.content
    body = answer.json()
    assert body["type"] == kind
    (error,) = body["errors"]
    assert error["detail"].endswith("。")
    return error


@pytest.mark.parametrize(
    "header", [None, "Token wrong", "Token", "Token a b", "Bearer x", "Token 令牌".encode().decode("latin-1")]
)
def test_no_or_a_bad_token_is_401_with_a_challenge(db, header):
    client = APIClient()
    if header:
        client.credentials(HTTP_AUTHORIZATION=header)
    answer = client.get(DIVISIONS)
    only_error(answer, 401)
    assert answer["WWW-Authenticate"] == "Token"


def test_a_disabled_user_s_token_is_401(client_for):
    client = client_for("xihe")
    client.user.is_active = False
    client.user.save()
    assert client.get(DIVISIONS).status_code == 401


@pytest.mark.parametrize("address", ["/api/v1/nothing/", "/api/nothing/", "/api/", "/api/v2/divisions/"])
@pytest.mark.parametrize("method", ["get", "post", "options"])
def test_an_unknown_address_is_a_json_404(client_for, address, method):
    assert only_error(getattr(client_for("xihe"), method)(address), 404)["code"] == "not_found"


def test_json_answers_whatever_the_client_accepts(client_for):
    answer = client_for("xihe").get(DIVISIONS, HTTP_ACCEPT="text/html")
    assert answer["Content-Type"] == "application/json"


class Echo(APIView):
    permission_classes = ()
    authentication_classes = ()
    throttle_classes = ()

    def post(self, request):
        from django.http import JsonResponse

        value = request.data
        return JsonResponse({"type": type(value["n"]).__name__})


def post(body: bytes, content_type: str = "application/json"):
    answer = Echo.as_view()(APIRequestFactory().post("/", body, content_type=content_type))
    if hasattr(answer, "render"):
        answer.render()
    answer.json = lambda: __import__("json").loads(answer.content)
    return answer


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="cut off"),
        pytest.param(b"null", id="nothing"),
        pytest.param(b"[1]", id="a list"),
        pytest.param(b"\xff\xfe", id="not utf-8"),
        pytest.param(b'{"n": NaN}', id="NaN"),
        pytest.param(b'{"n": "a\\u0000b"}', id="NUL"),
        pytest.param(b'{"n": ["\\ud800"]}', id="lone surrogate"),
        pytest.param(b'{"\\u0000": 1}', id="NUL in a name"),
        pytest.param(b"[" * 200_000, id="too deep"),
        pytest.param(b'{"n": ' + b"9" * 5000 + b"}", id="endless number"),
    ],
)
def test_a_malformed_body_is_400(body):
    assert only_error(post(body), 400)["code"] == "parse_error"


def test_numbers_of_a_body_are_exact():
    assert post(b'{"n": 28.1}').json() == {"type": "Decimal"}


def test_a_body_too_large_is_413():
    body = b'{"n": "' + b"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + b'"}'
    assert only_error(post(body), 413)["code"] == "too_large"


def test_a_body_of_another_type_is_415():
    only_error(post(b"<a/>", "application/xml"), 415)


class Broken(APIView):
    permission_classes = ()
    authentication_classes = ()
    throttle_classes = ()

    def get(self, request):
        raise ZeroDivisionError("secret detail")


def test_a_fault_of_ours_is_500_in_the_same_shape_and_tells_nothing(caplog):
    answer = Broken.as_view()(APIRequestFactory().get("/")).render()
    answer.json = lambda: __import__("json").loads(answer.content)
    only_error(answer, 500, "server_error")
    assert b"secret" not in answer.content


def limited(token: str = "1200/min", export: str = "60/hour"):
    return override_settings(
        REST_FRAMEWORK=settings.REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": {"token": token, "export": export}}
    )


def test_a_token_is_throttled_alone(client_for):
    with limited(token="2/min"):
        client = client_for("xihe")
        assert [client.get(DIVISIONS).status_code for _ in range(3)] == [200, 200, 429]
        answer = client.get(DIVISIONS)
        assert only_error(answer, 429)["code"] == "throttled"
        assert int(answer["Retry-After"]) > 0
        assert client_for("shiyu").get(DIVISIONS).status_code == 200


def test_exports_have_their_own_limit(client_for):
    with limited(export="1/hour"):
        client = client_for("xihe")
        assert client.get(DIVISIONS, {"format": "csv"}).status_code == 200
        assert client.get(DIVISIONS, {"format": "xlsx"}).status_code == 429
        assert client.get(DIVISIONS).status_code == 200


def test_the_limits_of_the_contract_are_the_defaults():
    assert api_settings.DEFAULT_THROTTLE_RATES == {"token": "1200/min", "export": "60/hour"}
