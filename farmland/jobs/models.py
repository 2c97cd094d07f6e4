"""The queue of record, the raw files as they came in, and the pulse of the workers."""

from datetime import timedelta

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from farmland.jobs import registry, storage
from farmland.lib.models import Row


class JobQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Jobs of towns the user answers for, the user's own and those joined; of no town only for administrators."""
        if not user.is_active:
            return self.none()
        joined = Job.joined_by.through.objects.filter(user=user).values("job")
        seen = Q(town__in=user.divisions()) | Q(created_by=user) | Q(pk__in=joined)
        if user.is_administrator:
            seen |= Q(town=None)
        return self.filter(seen)

    def expired(self):
        """Running jobs whose worker has not renewed its lease: dead, hung, or waiting for a retry that is due."""
        return self.filter(state=Job.State.RUNNING, lease_until__lt=Now())

    def runnable(self):
        """Jobs a worker may claim now: queued and due or expired, not exhausted, no other of the key running."""
        rival = Job.objects.filter(dedupe_key=OuterRef("dedupe_key"), state=Job.State.RUNNING)
        rival = rival.exclude(dedupe_key="").exclude(pk=OuterRef("pk"))
        due = Q(state=Job.State.QUEUED) & (Q(not_before=None) | Q(not_before__lte=Now()))
        expired = Q(state=Job.State.RUNNING, lease_until__lt=Now())
        return self.filter(due | expired, ~Exists(rival), attempts__lt=settings.JOB_MAX_ATTEMPTS)

    def in_turn(self):
        return self.order_by("-priority", "created_at", "pk")


class Job(Row):
    """One piece of background work (后台作业); this row is the queue, the broker's message only wakes a worker."""

    class State(models.TextChoices):
        QUEUED = "queued", "排队中"
        RUNNING = "running", "进行中"
        DONE = "done", "已完成"
        FAILED = "failed", "未完成"

    kind = models.CharField("类型", max_length=60)
    town = models.ForeignKey(
        "places.Division", models.PROTECT, null=True, blank=True, related_name="jobs", verbose_name="乡镇"
    )
    args = models.JSONField("参数", default=dict, blank=True, encoder=DjangoJSONEncoder)
    state = models.CharField("状态", max_length=10, choices=State, default=State.QUEUED)
    priority = models.SmallIntegerField("优先级", default=0)  # higher runs first
    dedupe_key = models.CharField("合并键", max_length=120, blank=True)  # "" never coalesces
    lease = models.UUIDField("租约", null=True, blank=True, editable=False)
    lease_until = models.DateTimeField("租约到期", null=True, blank=True)
    heartbeat_at = models.DateTimeField("最近心跳", null=True, blank=True)
    attempts = models.PositiveSmallIntegerField("次数", default=0)
    progress_done = models.PositiveIntegerField("已处理", default=0)
    progress_total = models.PositiveIntegerField("总数", default=0)
    progress_text = models.CharField("进度", max_length=200, blank=True)
    result = models.JSONField("结果", null=True, blank=True, encoder=DjangoJSONEncoder)
    error = models.TextField("错误", blank=True)
    not_before = models.DateTimeField("不早于", null=True, blank=True)
    created_at = models.DateTimeField("创建时间", default=timezone.now, editable=False)
    started_at = models.DateTimeField("开始时间", null=True, blank=True)
    finished_at = models.DateTimeField("结束时间", null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="jobs", verbose_name="发起人"
    )
    joined_by = models.ManyToManyField(  # asked for the same while it was queued, and wait for it too
        settings.AUTH_USER_MODEL, related_name="joined_jobs", blank=True, verbose_name="一同等候的人"
    )

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "后台作业"
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["state", "-priority", "created_at"], name="job_turn")]
        constraints = [
            models.UniqueConstraint(
                fields=["dedupe_key"],
                condition=Q(state="queued") & ~Q(dedupe_key=""),
                name="job_one_queued_per_key",
                violation_error_message="同一项作业已在排队。",
            ),
            models.UniqueConstraint(
                fields=["dedupe_key"],
                condition=Q(state="running") & ~Q(dedupe_key=""),
                name="job_one_running_per_key",
                violation_error_message="同一项作业正在进行。",
            ),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(lease_until__isnull=False),
                name="job_running_is_leased",
                violation_error_message="进行中的作业须有租约。",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"], finished_at__isnull=True)
                | Q(state__in=["done", "failed"], finished_at__isnull=False),
                name="job_finished_when_ended",
                violation_error_message="作业的状态与结束时间不一致。",
            ),
        ]

    def __str__(self):
        return f"{self.title} {self.get_state_display()}"

    @property
    def title(self) -> str:
        return registry.title(self.kind)

    @property
    def result_text(self) -> str:
        return registry.told(self.kind, self.result)

    @property
    def year(self) -> int | None:
        """The year it works on, where its arguments say one."""
        return (self.args or {}).get("year")

    @property
    def is_over(self) -> bool:
        return self.state in {self.State.DONE, self.State.FAILED}

    @property
    def percent(self) -> int:
        """Whole percent for the progress bar, 0–100; a finished job is full."""
        if self.state == self.State.DONE:
            return 100
        return min(100, self.progress_done * 100 // self.progress_total) if self.progress_total else 0

    @property
    def result_url(self) -> str:
        """``result["url"]`` where it is an address of this server, else ""."""
        url = str((self.result or {}).get("url") or "")
        return url if url.startswith("/") and not url.startswith(("//", "/\\")) else ""


class UploadQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Files of divisions the user answers for; files of no division for those who answer for their town."""
        if not user.is_active:
            return self.none()
        divisions = user.divisions()
        return self.filter(Q(division__in=divisions) | Q(division=None, town__in=divisions))

    def store(self, file, *, town, user, purpose: str, limit: int, name: str = "", division=None) -> "Upload":
        """Keep the bytes of ``file`` (anything with ``chunks()`` or ``read``) and then its row; sha256 names the file.

        ``limit`` in bytes; more raises ``storage.TooLarge`` and keeps nothing. Call inside the caller's transaction:
        a rollback leaves at most a file without a row, never a row without its file.
        """
        kept = storage.keep(file, limit=limit)
        name = storage.display_name(name or getattr(file, "name", ""))
        return self.create(
            town=town,
            division=division,
            user=user,
            name=name,
            purpose=purpose,
            sha256=kept.sha256,
            size=kept.size,
            path=kept.path,
        )


class Upload(Row):
    """A raw file as it came in (上传文件), kept even if refused; never served by address, never overwritten."""

    town = models.ForeignKey("places.Division", models.PROTECT, related_name="uploads", verbose_name="乡镇")
    division = models.ForeignKey(
        "places.Division", models.PROTECT, null=True, blank=True, related_name="division_uploads", verbose_name="区划"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="uploads", verbose_name="上传人"
    )
    name = models.CharField("文件名", max_length=200)
    sha256 = models.CharField("校验值", max_length=64, db_index=True)
    size = models.PositiveBigIntegerField("字节数")
    path = models.CharField("存放位置", max_length=200)  # relative to MEDIA_ROOT, from the sha256
    purpose = models.CharField("用途", max_length=40)
    created_at = models.DateTimeField("上传时间", default=timezone.now, editable=False)

    objects = UploadQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "上传文件"
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$"),
                name="upload_sha256_is_hex",
                violation_error_message="文件校验值应为 64 位十六进制。",
            ),
        ]

    def __str__(self):
        return self.name

    @property
    def full_path(self):
        """The file's place on disk, as a Path."""
        return storage.root() / self.path

    def open(self):
        """The stored bytes, opened for reading."""
        return self.full_path.open("rb")


class WorkerBeatQuerySet(models.QuerySet):
    def alive(self):
        return self.filter(beat_at__gte=Now() - timedelta(seconds=max(30, 6 * settings.JOB_HEARTBEAT_SECONDS)))


class WorkerBeat(models.Model):
    """The pulse of one worker process (工作进程心跳), written every JOB_HEARTBEAT_SECONDS."""

    name = models.CharField("工作进程", max_length=200, primary_key=True)
    started_at = models.DateTimeField("启动时间", default=timezone.now)
    beat_at = models.DateTimeField("心跳时间", default=timezone.now)

    objects = WorkerBeatQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "工作进程心跳"

    def __str__(self):
        return self.name


def lease_end():
    """The end of a lease taken now, by the database's clock: a worker's own clock may jump."""
    return Now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)


def one_more():
    return F("attempts") + 1
