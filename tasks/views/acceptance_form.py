"""The forms of the acceptance page: what was typed, checked for being numbers and dates; the rest is the service's."""

from decimal import Decimal
from uuid import uuid4

from django import forms

from farmland.lib.area import LARGEST
from farmland.lib.numbers import parse_decimal, plain
from farmland.places.models import Division
from parcels.models import Kind, Listing, Parcel
from parcels.progress import Ladders
from tasks.former import formers, name_of, unaccepted
from tasks.models import Target, TownYear
from tasks.views.common import Labels

LONGEST_LABEL = 61  # room for the chosen reason before what is written
VERDICTS = [("passed", "通过"), ("partial", "部分通过"), ("returned", "退回")]


class AreaField(forms.CharField):
    """An area in 亩 as people type it: full-width digits and thousands separators are fine, no rounding."""

    def __init__(self, **kwargs):
        super().__init__(widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}), **kwargs)

    def prepare_value(self, value):
        return plain(value) if isinstance(value, Decimal) else value

    def clean(self, value):
        try:
            return parse_decimal(super().clean(value), minimum=0, maximum=LARGEST)
        except ValueError as error:
            raise forms.ValidationError(str(error), code="number") from error


class DayField(forms.DateField):
    """A day; the browser's own date field sends and takes ISO dates whatever the language."""

    def __init__(self, **kwargs):
        widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        super().__init__(widget=widget, error_messages={"required": "请填日期。"}, **kwargs)

    def to_python(self, value):
        try:
            return super().to_python(value)
        except forms.ValidationError as error:
            raise forms.ValidationError(f"“{value}”不是日期，请写成 2024-10-12 的样子。", code="invalid") from error


def new_key() -> str:
    """The key of one intention: the same form sent twice finds what it wrote the first time."""
    return f"page:{uuid4().hex}"


class AcceptanceForm(forms.Form):
    """登记验收; field names are those of the REST list."""

    kind = forms.ChoiceField(label="任务")
    level = forms.ChoiceField(label="认定层级")
    division = forms.ChoiceField(label="村", required=False, help_text="只有全镇总数、没有分村数时选全镇。")
    parcel = forms.CharField(
        label="图斑编号", required=False, max_length=80, help_text="有图斑的写全编号，村以图斑为准。"
    )
    tranche = forms.ChoiceField(label="批次", required=False)
    declared_mu = AreaField(label="送验面积（亩）", required=False)
    accepted_mu = AreaField(label="认定面积（亩）", required=False, help_text="本次认定；退回不计面积，不用填。")
    accepted_on = DayField(label="认定日期")
    verdict = forms.ChoiceField(label="结论", choices=VERDICTS, initial="passed")
    reason_code = forms.ChoiceField(label="原因", required=False, help_text="部分通过和退回须选或写。")
    reason = forms.CharField(label="原因说明", required=False, max_length=300 - LONGEST_LABEL)
    key = forms.CharField(widget=forms.HiddenInput, max_length=100)

    def __init__(self, *args, town_year: TownYear, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.town_year, self.user = town_year, user
        self.labels, self.ladders = Labels(town_year.town), Ladders(town_year.town)
        self.targets = targets = list(
            Target.objects.filter(plan__town=town_year.town, plan__year=town_year.year)
            .select_related("kind")
            .order_by("order")
        )
        self.kinds = acceptable_kinds(targets, self.ladders)
        self.levels = {one.kind_id: one.level for one in reversed(targets)}
        self.fields["reason_code"].choices = reason_choices(self.labels)
        self.fields["kind"].choices = [(one.code, one.name) for one in self.kinds.values()]
        self.fields["level"].choices = _levels(self.kinds, self.ladders, self.labels)
        self.inside, today = divisions_inside(user, town_year, ended=True), town_year.today()
        self.formers = formers(town_year, self.inside)
        offered = self._former_offered()
        self.divisions = {
            one.code: one for one in self.inside
            if (one.is_alive(today) or one.pk in offered) and user.can("accept", one)
        }  # fmt: skip
        self.fields["division"].choices = [
            (code, "全镇" if one.pk == town_year.town_id else name_of(one, today))
            for code, one in self.divisions.items()
        ]
        tranches = list(dict.fromkeys(one.tranche for one in targets if one.tranche))
        self.fields["tranche"].choices = [("", "不分批次"), *[(one, one) for one in tranches]]
        if not tranches:
            del self.fields["tranche"]

    def _former_offered(self) -> set[int]:
        """Villages that ended with area left to accept; the one that was sent stays, for a form may come twice."""
        sent = self.data.get("division")
        left = {one.division.pk for one in unaccepted(self.formers, self.ladders, self.levels)}
        return left | {one.division.pk for one in self.formers if one.division.code == sent}

    def counted_level(self, kind: str | None) -> str:
        """The level that makes area of ``kind`` count, of the first kind where none is asked for."""
        return self.levels.get(kind or next(iter(self.kinds), ""), "")

    def clean_parcel(self) -> Parcel | None:
        code = self.cleaned_data["parcel"].strip()
        if not code:
            return None
        rows = Parcel.objects.visible_to(self.user).of_year(self.town_year.town, self.town_year.year)
        found = list(rows.filter(pk__in=Listing.objects.filter(code=code).values("parcel")).select_related("division"))
        if len(found) != 1:
            many = f"有 {len(found)} 个图斑用编号“{code}”，请按村登记。" if found else f"没有编号为“{code}”的图斑。"
            raise forms.ValidationError(many, code="unknown")
        return found[0]

    def clean(self):
        values = super().clean()
        parcel = values.get("parcel")
        place = parcel.division if parcel else self.divisions.get(values.get("division"))
        kind = self.kinds.get(values.get("kind"))
        if place is None and "division" not in self.errors and "parcel" not in self.errors:
            self.add_error("division", "请选择村，或填写图斑编号。")
        if place and kind and not self.user.can("accept", place, kind.code):
            self.add_error(None, f"您没有在“{place}”验收“{kind}”的权限。")
        if values.get("verdict") == "returned":
            values["accepted_mu"] = Decimal(0)
            self.errors.pop("accepted_mu", None)
        elif values.get("accepted_mu") is None and "accepted_mu" not in self.errors:
            self.add_error("accepted_mu", "请填本次认定的面积。")
        return values | {"place": place, "kind_row": kind, "reason": reason_of(values, self.labels)}


def reason_choices(labels: Labels) -> list[tuple[str, str]]:
    return [("", "不选，另写说明"), *labels.all("reason").items()]


def reason_of(values: dict, labels: Labels) -> str:
    """The chosen reason and what was written beside it, as one sentence: 翻耕未种植：待出苗后补拍."""
    label = labels.all("reason").get(values.get("reason_code") or "", "")
    return "：".join(part for part in (label, (values.get("reason") or "").strip()) if part)


def acceptable_kinds(targets: list[Target], ladders: Ladders) -> dict[str, Kind]:
    """The kinds an acceptance may name: leaf flows and balances below the plan's targets, in the plan's order."""
    kinds = {one.kind_id: one.kind for one in targets}
    accepted = (Kind.FLOW, Kind.BALANCE)
    return {code: one for code, one in kinds.items() if one.nature in accepted and ladders.leaves(code) == [code]}


def divisions_inside(user, town_year: TownYear, *, ended: bool = False) -> list[Division]:
    """The town and what lies below it, as far as the user answers for it: what exists on the working date.

    ``ended`` takes in those that no longer do, to find what was entered there.
    """
    inside = Division.objects.visible_to(user).filter(path__startswith=town_year.town.path).order_by("path")
    inside = inside.select_related("merged_into")
    return list(inside if ended else inside.alive(town_year.today()))


def acceptable_divisions(user, town_year: TownYear) -> list[Division]:
    """The town and what lies below it, as far as the user may accept there."""
    return [one for one in divisions_inside(user, town_year) if user.can("accept", one)]


def _levels(kinds: dict[str, Kind], ladders: Ladders, labels: Labels) -> list[tuple[str, str]]:
    codes = dict.fromkeys(rung.level for code in kinds for rung in ladders.rungs(code) if rung.level)
    return [(code, labels.of("level", code)) for code in codes]


class ReversalForm(forms.Form):
    """冲销: how much of an entry is taken back, and why."""

    accepted_mu = AreaField(label="冲销面积（亩）", help_text="写正数；可以只冲销一部分。")
    accepted_on = DayField(label="日期")
    reason_code = forms.ChoiceField(label="原因", required=False)
    reason = forms.CharField(label="原因说明", required=False, max_length=300 - LONGEST_LABEL)
    key = forms.CharField(widget=forms.HiddenInput, max_length=100)

    def __init__(self, *args, labels: Labels, **kwargs):
        super().__init__(*args, **kwargs)
        self.labels = labels
        self.fields["reason_code"].choices = reason_choices(labels)

    def clean(self):
        values = super().clean()
        told = reason_of(values, self.labels)
        if not told and not {"reason", "reason_code"} & set(self.errors):
            self.add_error("reason", "请写明冲销的原因，或从列表中选一项。")
        return values | {"reason": told}
