"""Tell a worker that there is work. Only a hint: it may be lost, late or doubled, and never troubles the caller."""

import logging
import threading
import time

from farmland.celery import app

logger = logging.getLogger(__name__)
PATIENCE = 2.0  # seconds a request waits for a dead broker
PAUSE = 5.0  # seconds without a further try after a failure
_quiet_until = 0.0


def send(job_ids: list) -> bool:
    """Publish one message per job within PATIENCE seconds; False and a log line when the broker does not take them."""
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return False
    sent = threading.Event()
    thread = threading.Thread(target=_publish, args=([str(one) for one in job_ids], sent), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if not sent.is_set():
        _quiet_until = time.monotonic() + PAUSE
        logger.warning("no worker woken count=%d: the broker is away, the sweeper will send again", len(job_ids))
    return sent.is_set()


def _publish(job_ids: list[str], sent: threading.Event) -> None:
    """Own connection without retries: the shared pool would wait for the broker for ever."""
    options = {**(app.conf.broker_transport_options or {}), "max_retries": 0, "connect_retries_timeout": PATIENCE}
    try:
        with app.connection_for_write(transport_options=options, connect_timeout=PATIENCE) as connection:
            for job_id in job_ids:
                app.send_task("farmland.jobs.run_job", args=[job_id], connection=connection, retry=False)
        sent.set()
    except Exception as error:  # whatever the broker's library raises: the row is safe, the sweeper sends again
        logger.warning("broker refused a message: %s: %s", type(error).__name__, error)
