"""Where: the tree of divisions, the offices of a town, and the dictionaries both speak."""

from django.db import models
from django.db.models import Q


class DivisionQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The divisions inside the subtrees the user answers for: the one door for pages, API, files and jobs."""
        return self.under(*user.scope_paths())

    def under(self, *paths: str):
        """Divisions whose path starts with one of ``paths`` (each ends in "/"); none for no path."""
        if not paths:
            return self.none()
        condition = Q()
        for path in paths:
            condition |= Q(path__startswith=path)
        return self.filter(condition)

    def alive(self, on):
        """Those that exist on the day ``on``: founded by then and not ended (撤并) by then."""
        return self.filter(Q(valid_from=None) | Q(valid_from__lte=on), Q(valid_to=None) | Q(valid_to__gt=on))

    def tenants(self):
        return self.filter(is_tenant=True)

    def named(self, name: str):
        """The division of that name or alias, by exact text after stripping; None if there is none or several."""
        name = name.strip()
        found = [one for one in self if name == one.name or name in one.aliases]
        return found[0] if len(found) == 1 else None


class Division(models.Model):
    """A node of the administrative tree (行政区划): county, town, area, village, group; any depth."""

    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name="上级"
    )
    town = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="+", verbose_name="所属乡镇"
    )  # itself for a tenant; null above the tenants
    kind = models.CharField("类型", max_length=20)  # a Term of list "division_kind"; never tested in code
    code = models.CharField("代码", max_length=30, unique=True)
    name = models.CharField("名称", max_length=60)
    aliases = models.JSONField("别名", default=list, blank=True)
    slug = models.SlugField("标识", max_length=30, blank=True)  # of a tenant: "xihe"
    path = models.CharField("路径", max_length=200, unique=True, editable=False)  # "3/17/42/": keys from the root
    order = models.PositiveIntegerField("次序", default=0)
    is_tenant = models.BooleanField("乡镇级", default=False)
    is_provisional = models.BooleanField("临时代码", default=False)
    is_demo = models.BooleanField("演示", default=False)
    valid_from = models.DateField("设立日期", null=True, blank=True)
    valid_to = models.DateField("撤并日期", null=True, blank=True)
    # the one in force that answers for it now; ``parent`` is the one it went into at first
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged_from", verbose_name="并入"
    )
    updated_at = models.DateTimeField("更新时间", auto_now=True, db_index=True)

    objects = DivisionQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "行政区划"
        ordering = ["path"]
        constraints = [
            models.UniqueConstraint(
                fields=["parent", "name"],
                condition=Q(valid_to=None),
                name="division_name_unique_under_parent",
                violation_error_message="同一上级下已有同名的单位。",
            ),
            models.UniqueConstraint(
                fields=["slug"],
                condition=~Q(slug=""),
                name="division_slug_unique",
                violation_error_message="乡镇标识已被使用。",
            ),
        ]

    def __str__(self):
        return self.name

    def save(self, *args, **kwargs):
        """Keep path and town in step with the parent; a new row is saved twice, for its key is part of its path."""
        if self.pk is None:
            self.path = f"new-{self.code}"
            super().save(*args, **kwargs)
            kwargs = {}
        self.path = f"{self.parent.path if self.parent_id else ''}{self.pk}/"
        self.town_id = self.pk if self.is_tenant else (self.parent.town_id if self.parent_id else None)
        super().save(*args, **kwargs)

    def is_alive(self, on) -> bool:
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or self.valid_to > on)

    def contains(self, other: "Division") -> bool:
        return other.path.startswith(self.path)

    def and_former(self, field: str = "division") -> Q:
        """Rows whose ``field`` is this division or one that went into it: who reports for it reports for all."""
        return Q(**{field: self}) | Q(**{f"{field}__merged_into": self})


class Office(models.Model):
    """A working unit of a division (单位): an office, task force, workgroup or bureau, under all its names."""

    division = models.ForeignKey(Division, models.PROTECT, related_name="offices", verbose_name="所属")
    name = models.CharField("名称", max_length=60)
    aliases = models.JSONField("别名", default=list, blank=True)
    kind = models.CharField("类型", max_length=20, default="office")  # Term of list "office_kind"
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="parts", verbose_name="上级"
    )
    hosted_by = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="hosts", verbose_name="设在"
    )
    updated_at = models.DateTimeField("更新时间", auto_now=True)

    class Meta:
        verbose_name = verbose_name_plural = "单位"
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["division", "name"],
                name="office_name_unique",
                violation_error_message="本乡镇已有同名单位。",
            ),
        ]

    def __str__(self):
        return self.name


class TermQuerySet(models.QuerySet):
    def of(self, dictionary: str, town: Division | None = None):
        """The rows of one dictionary that hold for ``town``: the common ones and its own."""
        return self.filter(Q(town=None) | Q(town=town), dictionary=dictionary).order_by("order", "pk")


class Term(models.Model):
    """A dictionary row (字典): roles, units, measures, sources, crops …; new words arrive as rows, not as code."""

    dictionary = models.CharField("字典", max_length=30)
    code = models.CharField("代码", max_length=40)
    label = models.CharField("名称", max_length=60)
    synonyms = models.JSONField("同义词", default=list, blank=True)
    order = models.PositiveIntegerField("次序", default=0)
    attrs = models.JSONField("属性", default=dict, blank=True)
    town = models.ForeignKey(
        Division, models.PROTECT, null=True, blank=True, related_name="terms", verbose_name="限用乡镇"
    )

    objects = TermQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "字典"
        ordering = ["dictionary", "order", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["dictionary", "code"], condition=Q(town=None), name="term_code_unique_common"
            ),
            models.UniqueConstraint(
                fields=["dictionary", "code", "town"], condition=Q(town__isnull=False), name="term_code_unique_in_town"
            ),
        ]

    def __str__(self):
        return self.label
