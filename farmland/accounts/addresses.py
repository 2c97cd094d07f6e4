"""Where a request comes from: what locks after wrong passwords count by."""

import ipaddress

from django.conf import settings


def client_address(request) -> str:
    """The peer's address; behind the one trusted proxy the last one it wrote into X-Forwarded-For.

    What stands before the last comma came from the client and proves nothing.
    """
    peer = request.META.get("REMOTE_ADDR", "")
    if not settings.TRUSTED_PROXY:
        return peer
    last = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    try:
        return str(ipaddress.ip_address(last))
    except ValueError:
        return peer
