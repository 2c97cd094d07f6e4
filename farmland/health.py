"""``/healthz``: is the installation alive? Web by answering, database by a query, worker by its heartbeat."""

import logging

from django.db import Error, connection
from django.http import JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from farmland.jobs.models import WorkerBeat

logger = logging.getLogger(__name__)


@never_cache
@require_safe
def healthz(request):
    """200 ``{"web": true, "database": true, "worker": true}``; 503 with the same keys when one is false."""
    state = {"web": True, "database": False, "worker": False}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            state["database"] = cursor.fetchone() == (1,)
        state["worker"] = WorkerBeat.objects.alive().exists()
    except Error as error:
        logger.warning("health check failed error=%s", type(error).__name__)
    return JsonResponse(state, status=200 if all(state.values()) else 503)
