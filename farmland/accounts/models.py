"""Who: users, what they may do where, their tokens, and the trail of what was done."""

import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.functional import cached_property

from farmland.lib.models import Row
from farmland.places.models import Division, Office

PLACE = ["id", "parent_id", "town_id", "kind", "code", "name", "slug", "path"]  # of a division; the rest on demand
GRANTS = f"""
SELECT g.*, t.label, CAST(t.attrs AS TEXT) AS attrs, {", ".join(f"d.{name} AS place_{name}" for name in PLACE)}
FROM accounts_grant g
JOIN places_division d ON d.id = g.division_id
LEFT JOIN places_term t ON t.dictionary = 'role' AND t.town_id IS NULL AND t.code = g.role
WHERE g.user_id = %(user)s AND COALESCE(g.valid_from, %(today)s) <= %(today)s
    AND COALESCE(g.valid_to, %(today)s) >= %(today)s
ORDER BY g.id
"""


class UserQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The users whose every grant lies inside what ``user`` answers for."""
        inside = Division.objects.visible_to(user)
        outside = Grant.objects.exclude(division__in=inside).values("user")
        return self.filter(grants__division__in=inside).exclude(pk__in=outside).distinct()


class FarmlandUserManager(UserManager.from_queryset(UserQuerySet)):
    pass


class User(AbstractUser):
    """A person who signs in. What they may do stands in their grants, never in their name."""

    must_change_password = models.BooleanField("首次登录须改密码", default=False)
    is_demo = models.BooleanField("演示用户", default=False)

    objects = FarmlandUserManager()

    class Meta:
        verbose_name = verbose_name_plural = "用户"
        ordering = ["username"]

    def __str__(self):
        return self.get_full_name() or self.username

    def get_full_name(self) -> str:
        return f"{self.last_name}{self.first_name}".strip()

    @cached_property
    def current_grants(self) -> list["Grant"]:
        """The grants in force today, each with its role's Term attributes and label: ``attrs``, ``label``.

        Asked on every request: one statement as it stands, for putting it together costs more than its answer.
        """
        found = list(Grant.objects.raw(GRANTS, {"user": self.pk, "today": timezone.localdate().isoformat()}))
        for grant in found:
            place = [getattr(grant, f"place_{name}") for name in PLACE]
            grant.division = Division.from_db(grant._state.db, PLACE, place)
            grant.attrs = json.loads(grant.attrs) if grant.attrs else {}
        return found

    @property
    def is_administrator(self) -> bool:
        return self.is_superuser or any(self._allows(grant, "administer") for grant in self.current_grants)

    def scope_paths(self) -> list[str]:
        """The paths of the subtrees the user sees; the administrator sees every root, who only patrols none."""
        return self.paths_for("view")

    def paths_for(self, action: str) -> list[str]:
        """The paths of the subtrees in which a current grant's role allows ``action``."""
        if not self.is_active:
            return []
        if self.is_superuser:
            return list(Division.objects.filter(parent=None).values_list("path", flat=True))
        paths = sorted({grant.division.path for grant in self.current_grants if self._allows(grant, action)})
        return [path for path in paths if not any(path != other and path.startswith(other) for other in paths)]

    def divisions(self):
        return Division.objects.visible_to(self)

    def divisions_for(self, action: str):
        """The divisions in which the user may do ``action``."""
        return Division.objects.under(*self.paths_for(action))

    def tenants(self):
        """The towns the user has anything to do with: inside the scope, or above a village they answer for."""
        paths = self.scope_paths()
        above = Q(pk__in=Division.objects.under(*paths).values("town")) if paths else Q(pk=None)
        return Division.objects.filter(above, is_tenant=True)

    def sees_whole(self, division: Division) -> bool:
        """Whether the whole of ``division`` lies in the user's scope (a village head does not see the whole town)."""
        return any(division.path.startswith(path) for path in self.scope_paths())

    def can(self, action: str, division: Division | None = None, kind: str | None = None) -> bool:
        """Whether a current grant's role allows ``action`` in ``division`` (its subtree) for a kind of task.

        Actions are words in the ``can`` list of the role's Term (dictionary "role"): accept, report, manage_users …
        """
        if not self.is_active:
            return False
        if self.is_superuser:
            return True
        return any(
            self._allows(grant, action)
            and (division is None or grant.division.contains(division))
            and (kind is None or not grant.kinds or kind in grant.kinds)
            for grant in self.current_grants
        )

    def _allows(self, grant: "Grant", action: str) -> bool:
        return action in (grant.attrs or {}).get("can", [])

    @property
    def role_label(self) -> str:
        labels = [one.label for one in self.current_grants if one.label]
        return "、".join(dict.fromkeys(labels)) or ("系统管理员" if self.is_superuser else "")


class Grant(models.Model):
    """A role in a subtree (授权): who may do what where, from when to when, for which kinds of task."""

    user = models.ForeignKey(User, models.CASCADE, related_name="grants", verbose_name="用户")
    role = models.CharField("角色", max_length=40)  # Term of list "role"; a role is not an office
    division = models.ForeignKey(Division, models.PROTECT, related_name="grants", verbose_name="范围")
    office = models.ForeignKey(
        Office, models.PROTECT, null=True, blank=True, related_name="grants", verbose_name="单位"
    )
    kinds = models.JSONField("限任务类型", default=list, blank=True)
    valid_from = models.DateField("起", null=True, blank=True)
    valid_to = models.DateField("止", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "授权"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "role", "division"],
                condition=Q(valid_to=None),
                name="grant_not_repeated",
                violation_error_message="该用户在此范围已有同样的角色。",
            ),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_from=None) | Q(valid_to__gte=F("valid_from")),
                name="grant_dates_in_order",
                violation_error_message="授权的截止日期早于起始日期。",
            ),
        ]

    def __str__(self):
        return f"{self.user} · {self.role} · {self.division}"


def token_digest(key: str) -> str:
    """HMAC of a token: a copy of the table lets nobody in."""
    return hmac.new(settings.SECRET_KEY.encode(), b"api-token:" + key.encode(), hashlib.sha256).hexdigest()


class ApiToken(models.Model):
    """A script's key (接口令牌): only its HMAC is kept, it ends after a year and dies with its user."""

    LIFETIME = timedelta(days=365)

    user = models.ForeignKey(User, models.CASCADE, related_name="tokens", verbose_name="用户")
    digest = models.CharField(max_length=64, unique=True)
    name = models.CharField("用途", max_length=60, blank=True)
    created_at = models.DateTimeField("创建时间", auto_now_add=True)
    expires_at = models.DateTimeField("到期时间")
    last_used_on = models.DateField("最近使用", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "接口令牌"

    def __str__(self):
        return f"{self.user} {self.name}".strip()

    @classmethod
    def issue(cls, user: User, name: str = "") -> str:
        """Make a token and return its key, which is shown this once."""
        key = secrets.token_urlsafe(32)
        cls.objects.create(user=user, digest=token_digest(key), name=name, expires_at=timezone.now() + cls.LIFETIME)
        return key

    @classmethod
    def find(cls, key: str) -> "ApiToken | None":
        found = cls.objects.select_related("user").filter(digest=token_digest(key), user__is_active=True)
        return found.filter(expires_at__gt=timezone.now()).first()


class EventQuerySet(models.QuerySet):
    def visible_to(self, user):
        towns = [town.pk for town in user.tenants() if user.can("read_log", town)]
        return self.filter(town__in=towns)


class Event(Row):
    """One line of the audit trail (操作记录): who did what to which thing, before, after, why; chained by hash."""

    town = models.ForeignKey(
        Division, models.PROTECT, null=True, blank=True, related_name="events", verbose_name="乡镇"
    )
    number = models.PositiveBigIntegerField("序号")  # 1, 2, 3 … in each town's chain
    at = models.DateTimeField("时间")
    user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="events", verbose_name="操作人")
    action = models.CharField("操作", max_length=60)
    subject = models.CharField("对象", max_length=120)
    before = models.JSONField("原值", null=True)
    after = models.JSONField("新值", null=True)
    reason = models.CharField("原因", max_length=500, blank=True)
    about = models.UUIDField("对象编号", null=True, blank=True, db_index=True)  # id of the row, for its time line
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    is_demo = models.BooleanField("演示", default=False)  # demo users have chains of their own, removed with them

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "操作记录"
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(fields=["town", "is_demo", "number"], name="event_number_unique_in_town"),
            models.UniqueConstraint(
                fields=["is_demo", "number"], condition=Q(town=None), name="event_number_unique_without_town"
            ),
        ]

    def fingerprint(self) -> str:
        facts = [
            self.town_id, self.number, self.at.isoformat(), self.user_id, self.action, self.subject,
            self.before, self.after, self.reason, self.previous,
        ]  # fmt: skip
        if self.about:
            facts.append(str(self.about))
        text = json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Line:
    """One event of many that one act leaves: ``about`` is the id of the row it is about."""

    subject: str
    before: dict | None = None
    after: dict | None = None
    reason: str = ""
    about: uuid.UUID | None = None


def record(
    action: str, subject: str, *, user=None, town=None, before=None, after=None, reason: str = "", about=None
) -> Event:
    """Append an event to the town's chain, in the caller's transaction; the town's row serialises the chain.

    ``about``: the id of the row it is about, so that the row's time line finds it.
    """
    (event,) = record_all(action, [Line(subject, before, after, reason, about)], user=user, town=town)
    return event


def record_all(action: str, lines: Iterable[Line], *, user=None, town=None) -> list[Event]:
    """Append one event a line, in a fixed number of queries: 5,000 parcels changed at once are 5,000 events."""
    with transaction.atomic():
        if town is not None:
            Division.objects.select_for_update(of=("self",)).get(pk=town.pk)
        is_demo = user is not None and user.is_demo
        last = Event.objects.filter(town=town, is_demo=is_demo).order_by("-number").first()
        number, previous = (last.number, last.digest) if last else (0, "")
        events = []
        for line in lines:
            number += 1
            event = Event(
                town=town, number=number, at=timezone.now(), user=user, action=action, subject=line.subject[:120],
                before=line.before, after=line.after, reason=line.reason[:500], about=line.about, previous=previous,
                is_demo=is_demo,
            )  # fmt: skip
            event.digest = previous = event.fingerprint()
            events.append(event)
        return Event.objects.bulk_create(events, batch_size=500)
