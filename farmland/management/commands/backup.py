"""Keep everything in one file."""

from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from farmland.backup import BackupError, write_backup


class Command(BaseCommand):
    help = "Write database and uploads into one file; prints its path."

    def add_arguments(self, parser):
        parser.add_argument("path", nargs="?", type=Path, help="file or folder; default: var/backups/ and the time")
        parser.add_argument("--skip-missing", action="store_true", help="leave out raw files that are lost")

    def handle(self, *, path, skip_missing, **options):
        path = path or settings.VAR / "backups"
        if path.is_dir() or path == settings.VAR / "backups":
            path = path / f"farmland-{timezone.localtime():%Y%m%d-%H%M%S}.tar"
        try:
            manifest = write_backup(path.resolve(), skip_missing=skip_missing)
        except BackupError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"备份没有写成：{error}。请检查磁盘空间和权限。") from error
        for lost in manifest.skipped:
            self.stderr.write(f"未备份（丢失或损坏）：{lost}")
        self.stdout.write(f"已备份 {manifest.rows} 行、{len(manifest.media)} 个原件：{path}")
