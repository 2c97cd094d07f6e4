"""Processes of one test run share a Redis: none may empty another's counts, or the broker's queues."""

import pytest
from django.conf import settings

from tests.own_cache import OwnKeys

pytestmark = pytest.mark.skipif(not settings.REDIS_URL, reason="needs Redis")


def test_emptying_leaves_what_others_keep():
    mine, theirs = (OwnKeys(settings.REDIS_URL, {"KEY_PREFIX": name}) for name in ("first-", "second-"))
    for one in (mine, theirs):
        one.set("count", 1)
    mine.clear()
    assert (mine.get("count"), theirs.get("count")) == (None, 1)
    theirs.clear()
    assert theirs.get("count") is None
