"""A worker's pulse for /healthz, and its first sweep: what was lost while no worker lived is found at once."""

import logging
import threading

from celery.signals import worker_ready, worker_shutdown
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models.functions import Now

from farmland.jobs import services
from farmland.jobs.models import WorkerBeat

logger = logging.getLogger(__name__)
_over = threading.Event()


@worker_ready.connect
def start_pulse(sender, **_) -> None:
    _over.clear()
    threading.Thread(target=_pulse, args=(sender.hostname,), name="pulse", daemon=True).start()


@worker_shutdown.connect
def stop_pulse(**_) -> None:
    _over.set()


def _pulse(name: str) -> None:
    """Sweep once, then beat until shutdown; a database that is away for a while is waited for."""
    swept = False
    while True:
        try:
            beat(name)
            if not swept:
                services.sweep()
                swept = True
        except DatabaseError as error:
            logger.warning("no pulse written worker=%s reason=%s", name, type(error).__name__)
        finally:
            connection.close()
        if _over.wait(settings.JOB_HEARTBEAT_SECONDS):
            return


def beat(name: str) -> None:
    """Write the pulse of worker ``name``."""
    if not WorkerBeat.objects.filter(pk=name).update(beat_at=Now()):
        WorkerBeat.objects.create(pk=name)
