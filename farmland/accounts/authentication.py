"""How REST calls prove who they are: a token in the header, or the session of the pages."""

from django.utils import timezone
from rest_framework import authentication, exceptions

from farmland.accounts.models import ApiToken


class TokenAuthentication(authentication.BaseAuthentication):
    """``Authorization: Token <key>``. No or a bad token is 401."""

    def authenticate(self, request):
        kind, _, key = authentication.get_authorization_header(request).partition(b" ")
        if kind.lower() != b"token":
            return None
        token = ApiToken.find(key.decode("latin-1").strip())
        if token is None:
            raise exceptions.AuthenticationFailed("令牌无效或已过期，请重新申请。")
        today = timezone.localdate()
        if token.last_used_on != today:
            ApiToken.objects.filter(pk=token.pk).update(last_used_on=today)
        return token.user, token

    def authenticate_header(self, request):
        return "Token"


class PageSession(authentication.SessionAuthentication):
    """The browser's session, with CSRF; second in the list, so that 401 carries the token's challenge."""
