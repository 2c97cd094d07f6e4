"""What a backup is drilled on, and looks at it from here or from a process of its own.

``python -m tests.backup_world report|snapshot`` looks at the instance in FARMLAND_VAR.
"""

import hashlib
import io
import json
import os
import sys
import threading

RAW = [b"first workbook", b"second workbook" * 40_000, b"a photo of a field"]


def make() -> dict:
    """A plan, demo land and people, raw files, a token, a session; what there is afterwards."""
    from django.core.management import call_command

    from farmland.accounts.models import ApiToken, User
    from farmland.jobs.models import Upload
    from farmland.places.models import Division

    call_command("load_plan", "plans/xihe-2024.yaml", stdout=io.StringIO())
    call_command("load_demo", stdout=io.StringIO())
    town, user = Division.objects.get(slug="xihe"), User.objects.get(username="xihe")
    for number, data in enumerate(RAW):
        name = f"双永村_{number}.xlsx"
        Upload.objects.store(io.BytesIO(data), town=town, user=user, purpose="form", limit=2**20, name=name)
    ApiToken.issue(user, "drill")
    sign_in(user)
    return report()


def sign_in(user) -> None:
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session["_auth_user_id"] = str(user.pk)
    session.save()


def report() -> dict:
    """Counts of every table, exact sums of areas, links between rows, hashes of the files on disk, sessions."""
    from django.apps import apps
    from django.contrib.sessions.models import Session
    from django.db.models import Sum

    from farmland.accounts.models import Event
    from farmland.jobs.models import Upload
    from parcels.models import Kind, Step, Work
    from tasks.models import Milestone, Progress, Target

    every = apps.get_models(include_auto_created=True)
    sums = {"works": Work.objects, "targets": Target.objects, "steps": Step.objects, "progress": Progress.objects}
    names = {"works": "area_mu", "targets": "amount", "steps": "area_mu", "progress": "counted"}
    return {
        "counts": {one._meta.label: one._base_manager.count() for one in every if one._meta.app_label != "sessions"},
        "sums": {key: str(rows.aggregate(total=Sum(names[key]))["total"]) for key, rows in sums.items()},
        "feeds": sorted(map(list, Kind.feeds.through.objects.values_list("from_kind", "to_kind"))),
        "milestones": sorted(
            map(list, Milestone.targets.through.objects.values_list("milestone__key", "target__key"))
        ),
        "moments": [moment.isoformat() for moment in Step.objects.order_by("pk").values_list("updated_at", flat=True)],
        "trail": all(one.digest == one.fingerprint() for one in Event.objects.all()),
        "media": sorted({hashlib.sha256(one.full_path.read_bytes()).hexdigest() for one in Upload.objects.all()}),
        "sessions": Session.objects.count(),
    }


def snapshot_holds() -> dict:
    """What a reader sees inside a snapshot while somebody else writes, and afterwards."""
    from django.db import connection

    from farmland.accounts.models import User
    from farmland.backup import snapshot

    def write():
        User.objects.create(username="meanwhile")
        connection.close()

    with snapshot():
        before = User.objects.count()
        writer = threading.Thread(target=write)
        writer.start()
        writer.join(10)
        during = User.objects.count()
    return {"before": before, "writing": writer.is_alive(), "during": during, "after": User.objects.count()}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "farmland.settings")
    import django

    django.setup()
    verbs = {"report": report, "snapshot": snapshot_holds}
    sys.stdout.write(json.dumps(verbs[sys.argv[1]]()))
