"""What is done with land: kinds of task, and the ladder of stages each climbs in a town."""

from django.db import models

from farmland.places.models import Division


class Ladder(models.Model):
    """An ordered set of stages (进度阶梯); each kind of task climbs one."""

    code = models.CharField("代码", max_length=40, unique=True)
    name = models.CharField("名称", max_length=60)

    class Meta:
        verbose_name = verbose_name_plural = "进度阶梯"

    def __str__(self):
        return self.name


class Rung(models.Model):
    """A stage (环节). With a level only an acceptance of that level steps on it."""

    ladder = models.ForeignKey(Ladder, models.PROTECT, related_name="rungs", verbose_name="阶梯")
    code = models.CharField("代码", max_length=40)
    name = models.CharField("名称", max_length=40)
    rank = models.PositiveSmallIntegerField("次序")  # 0 is the lowest: reached by the planned area itself
    level = models.CharField("认定层级", max_length=20, blank=True)  # Term of list "level"
    tier = models.CharField("推演档", max_length=20)  # planned, ploughed, planted, evidenced, accepted
    is_reported = models.BooleanField("由村填报", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "环节"
        ordering = ["ladder", "rank"]
        constraints = [
            models.UniqueConstraint(fields=["ladder", "rank"], name="rung_rank_unique"),
            models.UniqueConstraint(fields=["ladder", "code"], name="rung_code_unique"),
        ]

    def __str__(self):
        return self.name


class Kind(models.Model):
    """A kind of task (任务类型): a row, never an enum; added together only along ``parent`` and ``feeds``."""

    STOCK, FLOW, BALANCE, OPEN = "stock", "flow", "balance", "open"

    code = models.CharField("代码", max_length=40, primary_key=True)
    name = models.CharField("名称", max_length=60)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name="上级类型"
    )
    nature = models.CharField("性质", max_length=10)  # stock, flow, balance, open
    unit = models.CharField("单位", max_length=20)  # Term of list "unit"
    ladder = models.ForeignKey(Ladder, models.PROTECT, related_name="kinds", verbose_name="阶梯")
    feeds = models.ManyToManyField("self", symmetrical=False, related_name="fed_by", blank=True, verbose_name="计入")
    counted_level = models.CharField("默认认定层级", max_length=20, blank=True)
    order = models.PositiveIntegerField("次序", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "任务类型"
        ordering = ["order", "code"]

    def __str__(self):
        return self.name

    def leaves(self) -> list[str]:
        """The codes of the kinds without children at or below this one."""
        children = list(self.children.all())
        return [leaf for child in children for leaf in child.leaves()] if children else [self.code]


class LadderChoice(models.Model):
    """Where a town climbs another ladder than the kind's own (本镇阶梯)."""

    town = models.ForeignKey(Division, models.PROTECT, related_name="+", verbose_name="乡镇")
    kind = models.ForeignKey(Kind, models.PROTECT, related_name="+", verbose_name="任务类型")
    ladder = models.ForeignKey(Ladder, models.PROTECT, related_name="+", verbose_name="阶梯")

    class Meta:
        verbose_name = verbose_name_plural = "本镇阶梯"
        constraints = [models.UniqueConstraint(fields=["town", "kind"], name="ladder_choice_unique")]

    def __str__(self):
        return f"{self.town} {self.kind}：{self.ladder}"


def ladder_of(town: Division, kind: Kind) -> Ladder:
    """The ladder that works of ``kind`` climb in ``town``."""
    choice = LadderChoice.objects.filter(town=town, kind=kind).select_related("ladder").first()
    return choice.ladder if choice else kind.ladder
