"""Put a backup back."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from farmland.backup import BackupError
from farmland.restore import restore_backup


class Command(BaseCommand):
    help = "Restore database and uploads from a file made by backup. Stop web and worker first."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("path", type=Path)
        parser.add_argument("--replace", action="store_true", help="delete what the database holds now")

    def handle(self, *, path, replace, **options):
        try:
            manifest = restore_backup(path, replace=replace)
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"已恢复 {manifest.created_at[:19]} 的备份：{manifest.rows} 行、{len(manifest.media)} 个原件，核对一致。"
        )
        for lost in manifest.skipped:
            self.stderr.write(f"备份时已丢失：{lost}")
