"""The forms of the batch pages: what was typed, checked for being dates and amounts; the rest is the services'."""

from django import forms

from farmland.lib.numbers import parse_decimal
from subsidies.models import Fund
from tasks.views.acceptance_form import DayField


class AmountField(forms.CharField):
    """元 as people type it."""

    def __init__(self, **kwargs):
        super().__init__(widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}), **kwargs)

    def clean(self, value):
        try:
            amount = parse_decimal(super().clean(value))
        except ValueError as error:
            raise forms.ValidationError(str(error), code="number") from error
        if amount is None or abs(amount) >= 10**13:
            raise forms.ValidationError("请填金额（元）。", code="number")
        return amount


class VersionForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, error_messages={"required": "请刷新后再办。"})


class ReasonForm(VersionForm):
    reason = forms.CharField(label="原因", max_length=300, error_messages={"required": "请写明原因。"})


class PublishForm(VersionForm):
    place = forms.CharField(label="张贴地点", max_length=200, error_messages={"required": "请填张贴地点。"})
    starts_on = DayField(label="张贴日期")
    photo = forms.FileField(label="张贴照片", required=False)


class PayForm(VersionForm):
    source = forms.ChoiceField(label="资金来源", required=False)

    def __init__(self, *args, sources=(), **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["source"].choices = [("", "按标准写明的来源"), *sources]


class ReconcileForm(VersionForm):
    total = AmountField(label="银行回单合计（元）", error_messages={"required": "请填银行回单的合计。"})


class PhotoForm(forms.Form):
    photo = forms.FileField(label="照片", error_messages={"required": "请选择照片。"})
    moment = forms.ChoiceField(
        label="哪一张", choices=[("posted", "张贴时"), ("taken_down", "期满时")], widget=forms.HiddenInput
    )


class PaperForm(forms.Form):
    name = forms.CharField(
        label="材料", max_length=120, error_messages={"required": "请写材料名称。"},
        widget=forms.TextInput(attrs={"list": "usual-papers", "autocomplete": "off"}),
    )  # fmt: skip
    file = forms.FileField(label="文件", error_messages={"required": "请选择文件。"})


class ObjectionForm(forms.Form):
    who = forms.CharField(label="异议人", max_length=60, initial="某村民", help_text="写某村民或单位，不写姓名")
    what = forms.CharField(label="异议内容", max_length=500)
    on = DayField(label="提出日期")


class AnswerForm(forms.Form):
    objection = forms.UUIDField(widget=forms.HiddenInput)
    text = forms.CharField(label="答复", max_length=500, error_messages={"required": "请写答复。"})
    upheld = forms.BooleanField(label="成立：本次公示作废，退回修改", required=False)


class FailForm(forms.Form):
    payment = forms.UUIDField(widget=forms.HiddenInput)
    reason = forms.CharField(label="退回原因", max_length=300, error_messages={"required": "请写退回原因。"})


class LineForm(forms.Form):
    line = forms.UUIDField(widget=forms.HiddenInput)


class AdjustForm(forms.Form):
    amount = AmountField(label="调整金额（元）", help_text="调减写负数，如 -500")
    reason = forms.CharField(label="原因", max_length=500, error_messages={"required": "请写明原因。"})


class FundForm(forms.Form):
    source = forms.ChoiceField(label="来源")
    role = forms.ChoiceField(label="性质", choices=[one for one in Fund.ROLES if one[0] not in ("rebooked", "paid")])
    amount = AmountField(label="金额（元）")
    on = DayField(label="日期")
    document = forms.CharField(label="文号", max_length=200, required=False)
    round_ = forms.ChoiceField(label="限用轮次", required=False)

    def __init__(self, *args, sources=(), rounds=(), **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["source"].choices = [("", "请选择"), *sources]
        self.fields["round_"].choices = [("", "不限"), *rounds]


class RebookForm(forms.Form):
    source = forms.ChoiceField(label="从")
    to = forms.ChoiceField(label="到")
    amount = AmountField(label="金额（元）")
    reason = forms.CharField(label="原因", max_length=300, error_messages={"required": "调账须写原因。"})

    def __init__(self, *args, sources=(), **kwargs):
        super().__init__(*args, **kwargs)
        for name in ("source", "to"):
            self.fields[name].choices = [("", "请选择"), *sources]
