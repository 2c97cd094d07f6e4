"""What is typed on the pages of batches: numbers, days and choices; whether it may be so is the services' to say."""

import secrets
from collections.abc import Mapping

from django import forms
from django.http import QueryDict

from farmland.accounts.models import User
from farmland.lib.area import LARGEST
from farmland.lib.numbers import parse_decimal
from farmland.places.models import Office
from parcels.models import Inspection, InspectionItem
from tasks.inspections.guide import Guide
from tasks.inspections.results import Result
from tasks.inspections.services import Head, Sample
from tasks.inspections.standards import Measure, read_all
from tasks.models import TownYear
from tasks.views.acceptance_form import DayField
from tasks.views.common import Labels

MOST_MEMBERS, POST_LENGTH = 20, 60


class PercentField(forms.CharField):
    """A share of 100 as people type it."""

    def __init__(self, **kwargs):
        super().__init__(widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}), **kwargs)

    def clean(self, value):
        try:
            return parse_decimal(super().clean(value), minimum=0, maximum=100)
        except ValueError as error:
            raise forms.ValidationError(str(error), code="number") from error


class SampleForm(forms.Form):
    """抽样; without a share there is none."""

    percent = PercentField(label="抽样比例（%）", required=False, help_text="不抽样的留空，逐项验收。")
    seed = forms.CharField(
        label="种子", required=False, max_length=40, help_text="同一种子抽出同样的图斑，可换成当众定的数。"
    )
    by_risk = forms.BooleanField(label="按风险加权", required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.initial.setdefault("seed", secrets.token_hex(4))

    def sample(self) -> Sample | None:
        values = self.cleaned_data
        if values["percent"] is None:
            return None
        return Sample(values["percent"], values["seed"].strip() or secrets.token_hex(4), values["by_risk"])


class VersionForm(forms.Form):
    """Which state of the batch the page showed."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)


class ConfirmForm(VersionForm):
    on = DayField(label="验收日期", required=True)


class CancelForm(VersionForm):
    reason = forms.CharField(label="取消原因", max_length=300, error_messages={"required": "请写明取消的原因。"})


class RedrawForm(SampleForm, VersionForm):
    percent = PercentField(label="抽样比例（%）", error_messages={"required": "请填抽样比例。"})


class SignedForm(forms.Form):
    file = forms.FileField(
        label="签字扫描件",
        help_text="PDF、JPG 或 PNG，最大 20 MB。",
        error_messages={"required": "请选择文件。", "empty": "文件是空的（0 字节），请重新选择。"},
        widget=forms.FileInput(attrs={"accept": ".pdf,.jpg,.jpeg,.png"}),
    )


class HeadForm(VersionForm):
    """What stands above the rows: posts, one a line; accounts of people on the team; offices it is copied to."""

    on = DayField(label="验收日期", required=False)
    posts = forms.CharField(
        label="验收人员（岗位）",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="一行一个，写单位和岗位，不写村民姓名。验收表上每人一行签字。",
    )
    accounts = forms.MultipleChoiceField(label="其中有账号的", required=False)
    copies_to = forms.MultipleChoiceField(label="抄送", required=False)
    note = forms.CharField(label="说明", required=False, max_length=300)

    def __init__(self, *args, town_year: TownYear, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.names = account_names(user, town_year)
        self.fields["accounts"].choices = [(str(pk), name) for pk, name in self.names.items()]
        offices = list(Office.objects.filter(division=town_year.town_id).values_list("name", flat=True))
        kept = [one for one in self.initial.get("copies_to", []) if one not in offices]
        self.fields["copies_to"].choices = [(one, one) for one in (*offices, *kept)]

    def clean_posts(self) -> list[str]:
        posts = list(dict.fromkeys(one.strip() for one in self.cleaned_data["posts"].splitlines() if one.strip()))
        if len(posts) > MOST_MEMBERS:
            raise forms.ValidationError(f"最多 {MOST_MEMBERS} 人，现有 {len(posts)} 人。")
        if long := next((one for one in posts if len(one) > POST_LENGTH), None):
            raise forms.ValidationError(f"“{long[:20]}…”太长，一行最多 {POST_LENGTH} 字。")
        return posts

    def head(self) -> Head:
        values = self.cleaned_data
        accounts = [{"post": self.names[int(pk)], "user": int(pk)} for pk in values["accounts"]]
        posts = [{"post": one, "user": None} for one in values["posts"]]
        return Head(values["on"], (*accounts, *posts), tuple(values["copies_to"]), values["note"])


def head_values(batch: Inspection) -> dict:
    """The stored head as the form shows it."""
    return {
        "version": batch.version,
        "on": batch.on,
        "posts": "\n".join(one["post"] for one in batch.members if not one.get("user")),
        "accounts": [str(one["user"]) for one in batch.members if one.get("user")],
        "copies_to": batch.copies_to,
        "note": batch.note,
    }


def account_names(user, town_year: TownYear) -> dict[int, str]:
    """People with an account in the user's scope, by what they do: 新四村村级填报人（xihe-xinsi）."""
    rows = User.objects.visible_to(user).filter(is_active=True, grants__division__path__startswith=town_year.town.path)
    rows = rows.prefetch_related("grants__division", "grants__office").distinct().order_by("pk")
    labels, found = Labels(town_year.town), {}
    for one in rows:
        grant = next(iter(one.grants.all()))
        place = grant.office.name if grant.office else str(grant.division)
        found[one.pk] = f"{place}{labels.of('role', grant.role)}（{one.username}）"[:POST_LENGTH]
    return found


class Typed:
    """One row of the page, as stored or as typed: what the template shows and what went wrong with it."""

    def __init__(self, item: InspectionItem, number: int, guide: Guide, values: Mapping[str, str]):
        self.item, self.number, self.values = item, number, dict(values)
        self.errors: dict[str, str] = {}
        self.advice = guide.advice(item)
        self.wanted = guide.measures(item)
        asked = [part for one in self.wanted for part in (*one.parts, one)]
        self.measures = [(one, self.values.get(f"m-{one.code}", ""), self._hint(one)) for one in asked]
        self.told = guide.told(item.measured)

    def _hint(self, one: Measure) -> str:
        """Beside a ratio: what its counts gave, or that it may be typed itself."""
        if not one.parts:
            return ""
        is_counted = any(part.code in self.item.measured for part in one.parts)
        return f"算得 {self.item.measured[one.code]}{one.unit}" if is_counted else "或直接填比例"

    def result(self) -> Result | None:
        """What was typed; None, with errors, where it is no number."""
        try:
            field = "area"
            area = parse_decimal(self.values.get("area", ""), minimum=0, maximum=LARGEST)
            field = "measured"
            measured = read_all(self.wanted, {one.code: text for one, text, _ in self.measures})
        except ValueError as error:
            self.errors[field] = str(error)
            return None
        get = self.values.get
        note = get("note", "").strip()
        return Result(get("verdict", ""), area, get("reason", ""), note, measured, get("seen", ""))


def typed_values(query: QueryDict) -> dict[str, dict[str, str]]:
    """``verdict-<id>=…&seen-<id>=…`` by id of the row."""
    rows: dict[str, dict[str, str]] = {}
    for name, text in query.items():
        field, found, key = name.rpartition("_")
        if found:
            rows.setdefault(key, {})[field] = text
    return {key: values for key, values in rows.items() if "seen" in values}
