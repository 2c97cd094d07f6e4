"""The forms of a parcel's page: what was typed, checked for being numbers, days and words of the dictionary."""

from django import forms
from django.http import QueryDict

from parcels.changes import NAMES, Edit, value_of
from parcels.models import Listing, Parcel, Work
from parcels.progress import Ladders
from parcels.verification import LABELS, Said
from parcels.works import Plan
from tasks.models import TownYear
from tasks.moves import Move
from tasks.views.acceptance_form import AreaField, DayField, divisions_inside
from tasks.views.common import Labels

YES_NO = [("", "不明"), ("yes", "在"), ("no", "不在")]
PROOF_LIMIT = "照片（JPG、PNG、HEIC）或材料（PDF、DOCX），最大 20 MB。"


def sent_with(data: QueryDict, name: str, value) -> QueryDict:
    """What was sent with another value in one place; a QueryDict joined by ``|`` would show lists in its fields."""
    data = data.copy()
    data[name] = str(value)
    return data


def choices(labels: Labels, dictionary: str, *, empty: str = "不明") -> list[tuple[str, str]]:
    return [("", empty), *labels.all(dictionary).items()]


def redline(value: str) -> bool | None:
    return {"yes": True, "no": False}.get(value)


class VersionForm(forms.Form):
    """A form about a row that others may change meanwhile."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1)


class ParcelEditForm(VersionForm):
    """修改图斑."""

    division = forms.ChoiceField(label="村")
    group = forms.CharField(label="组", required=False, max_length=40)
    ground_state = forms.ChoiceField(label="现状", required=False)
    land_class = forms.ChoiceField(label="地类", required=False)
    slope = AreaField(label="坡度（度）", required=False)
    in_redline = forms.ChoiceField(label="在生态红线内", required=False, choices=YES_NO)
    gross_mu = AreaField(label="图斑面积（亩）", required=False)
    cultivated_mu = AreaField(label="耕地面积（亩）", required=False)
    pbf_mu = AreaField(label="永农面积（亩）", required=False)
    net_mu = AreaField(label="净面积（亩）", required=False)
    note = forms.CharField(label="备注", required=False, max_length=300)
    reason = forms.CharField(label="原因", required=False, max_length=300, help_text="改动面积或村的须写。")

    def __init__(self, *args, town_year: TownYear, user, parcel: Parcel, labels: Labels, **kwargs):
        first = {name: value_of(parcel, name) for name in NAMES} | {"version": parcel.version}
        first["division"] = parcel.division.code
        first["in_redline"] = {True: "yes", False: "no", None: ""}[parcel.in_redline]
        super().__init__(*args, initial=first, **kwargs)
        every, today = divisions_inside(user, town_year, ended=True), town_year.today()
        inside = [one for one in every if one.is_alive(today) or one.pk == parcel.division_id]
        self.divisions = {one.code: one for one in inside if user.can("decide", one, parcel.kind_id)}
        self.fields["division"].choices = [
            (code, "全镇" if one.pk == town_year.town_id else one.name) for code, one in self.divisions.items()
        ]
        land = [(code, f"{code} {label}") for code, label in labels.all("land_class").items()]
        self.fields["land_class"].choices = _with([("", "不明"), *land], parcel.land_class)
        self.fields["ground_state"].choices = _with(choices(labels, "ground_state"), parcel.ground_state)

    def wish(self) -> Edit:
        values = {name: self.cleaned_data[name] for name in NAMES}
        values["division"] = self.divisions[values["division"]]
        values["in_redline"] = redline(values["in_redline"])
        return Edit(values, self.cleaned_data["version"], self.cleaned_data["reason"])


def _with(offered: list[tuple[str, str]], stands: str) -> list[tuple[str, str]]:
    """The choices, and what stands though no dictionary has it: a form must be able to leave it."""
    return offered if stands in dict(offered) else [*offered, (stands, stands)]


class VerifyForm(VersionForm):
    """登记核查结论."""

    finding = forms.ChoiceField(label="核查结论", choices=list(LABELS.items()))
    area_mu = AreaField(label="属实面积（亩）", required=False, help_text="部分属实的须填。")
    reason = forms.ChoiceField(label="原因", required=False, help_text="不可整改的须选。")
    note = forms.CharField(label="情况说明", required=False, max_length=300, help_text="除属实外须写。")
    on = DayField(label="核查日期")
    proof = forms.FileField(
        label="证明材料", required=False, help_text=f"无问题、未撂荒和不可整改须有。{PROOF_LIMIT}",
        error_messages={"empty": "文件是空的（0 字节），请重新选择。"},
    )  # fmt: skip
    key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=100)

    def __init__(self, *args, labels: Labels, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["reason"].choices = choices(labels, "reason", empty="无")

    def said(self) -> Said:
        one = self.cleaned_data
        return Said(one["finding"], one["on"], one["area_mu"], one["reason"], one["note"], one["version"])


class WorkForm(forms.Form):
    """治理: a new line (``kinds``) or another plan for one."""

    kind = forms.ChoiceField(label="任务")
    area_mu = AreaField(label="计划面积（亩）")
    measure = forms.ChoiceField(label="措施", required=False)
    treatment = forms.ChoiceField(label="处置类别", required=False)
    reason = forms.CharField(label="原因", required=False, max_length=300)
    key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=100)

    def __init__(self, *args, labels: Labels, kinds=(), work: Work | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["measure"].choices = _with(choices(labels, "measure", empty="未定"), work.measure if work else "")
        offered = choices(labels, "treatment", empty="未定")
        self.fields["treatment"].choices = _with(offered, work.treatment if work else "")
        self.fields["kind"].choices = [(one.code, one.name) for one in kinds]
        for name in ("kind",) if work else ("reason",):
            del self.fields[name]

    def plan(self) -> Plan:
        return Plan(self.cleaned_data["area_mu"], self.cleaned_data["measure"], self.cleaned_data["treatment"])


class WorkExitForm(forms.Form):
    """退出治理."""

    exit = forms.ChoiceField(label="退出方式", choices=[one for one in Work.EXITS if one[0] != "substituted"])
    reason = forms.CharField(label="原因", max_length=300, error_messages={"required": "退出须写明原因。"})


class ReasonForm(forms.Form):
    """Why, and nothing else."""

    reason = forms.CharField(label="原因", max_length=300, error_messages={"required": "请写明原因。"})


class SubstituteForm(forms.Form):
    """调换: the parcel that stands in, by its code."""

    other = forms.CharField(label="替换的图斑编号", max_length=80, help_text="写全编号；须在本镇本年度清单里。")
    area_mu = AreaField(label="替换的面积（亩）", help_text="对方还没有这项任务时按此面积建。")
    reason = forms.CharField(label="原因", max_length=300, error_messages={"required": "调换须写明原因。"})

    def __init__(self, *args, town_year: TownYear, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.town_year, self.user = town_year, user

    def clean_other(self) -> Parcel:
        code = self.cleaned_data["other"].strip()
        rows = Parcel.objects.visible_to(self.user).of_year(self.town_year.town, self.town_year.year)
        found = list(rows.filter(pk__in=Listing.objects.filter(code=code).values("parcel")).select_related("division"))
        if len(found) != 1:
            many = (
                f"有 {len(found)} 个图斑用编号“{code}”，不能确定是哪一个。" if found else f"没有编号为“{code}”的图斑。"
            )
            raise forms.ValidationError(many, code="unknown")
        return found[0]


class StageForm(forms.Form):
    """改环节: of one parcel or of many."""

    stage = forms.ChoiceField(label="改到环节")
    on = DayField(label="日期")
    reason = forms.ChoiceField(label="原因", required=False, help_text="退回前面环节的须选。")
    note = forms.CharField(label="说明", required=False, max_length=200)

    def __init__(self, *args, labels: Labels, ladders: Ladders, kind: str = "", **kwargs):
        super().__init__(*args, **kwargs)
        kinds = [kind] if kind else ladders.kinds
        rungs = {rung.code: rung for one in kinds for rung in ladders.rungs(one) if not rung.level}
        offered = sorted(rungs.values(), key=lambda rung: (rung.rank, rung.code))
        self.fields["stage"].choices = [(one.code, one.name) for one in offered]
        self.fields["reason"].choices = choices(labels, "reason", empty="无")

    def move(self) -> Move:
        return Move(**{name: self.cleaned_data[name] for name in ("stage", "on", "reason", "note")})


class RelapseForm(forms.Form):
    """登记复荒."""

    on = DayField(label="发现日期")
    note = forms.CharField(label="情况说明", required=False, max_length=200)
    reverse = forms.BooleanField(label="同时冲销各级验收", required=False)
