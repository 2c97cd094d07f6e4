"""图形 of one parcel from its page: a file with one boundary in place of the old one, or the boundary taken away."""

from django import forms
from django.core.exceptions import PermissionDenied

from farmland.jobs.models import Upload
from farmland.lib.geo.crs import zones
from farmland.lib.refused import Refused
from parcels.models import Parcel, Shape
from tasks.boundary import FIELD, PURPOSE, Drawn, Wish, keep, read_one, set_boundary
from tasks.models import TownYear
from tasks.pages import town_page
from tasks.views.parcel_acts import Act, act, page_or_post, parcel_in, sent
from tasks.views.parcel_forms import VersionForm, sent_with

SET, REMOVE = "set", "remove"
ACCEPT = ".geojson,.json,.kml,.kmz,.zip,.gpkg"


class BoundaryForm(VersionForm):
    """图形. The zone and the word on the area are asked for only where the file makes them necessary."""

    what = forms.ChoiceField(label="做什么", choices=[(SET, "换成文件里的图形"), (REMOVE, "去掉图形")], initial=SET)
    boundary = forms.FileField(
        label="图形文件", required=False,
        help_text="GeoJSON、KML、GeoPackage 或打包的 Shapefile，里面只有这一个图斑，最大 5 MB。",
        error_messages={"empty": "文件是空的（0 字节），请重新选择。"},
        widget=forms.FileInput(attrs={"accept": ACCEPT}),
    )  # fmt: skip
    reason = forms.CharField(label="原因", required=False, max_length=300, help_text="更换或去掉已有的图形须写。")
    upload = forms.UUIDField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args, stands: Shape | None, **kwargs):
        super().__init__(*args, **kwargs)
        for name in ("zone", "sure"):
            if name in self.data:
                self.ask(name)
        if stands is None:
            del self.fields["what"], self.fields["reason"]

    def ask(self, name: str) -> None:
        """Show a question that only some files raise."""
        self.fields[name] = {
            "zone": forms.TypedChoiceField(label="中央经线", choices=[("", "请选择"), *zones()], coerce=int,
                                           empty_value=None, required=False),
            "sure": forms.BooleanField(label="面积相差也保存", required=False),
        }[name]  # fmt: skip

    def holds(self, upload: Upload) -> None:
        """The file need not be chosen again."""
        self.data = sent_with(self.data, "upload", upload.pk)
        self.fields[FIELD].help_text = f"已收到 {upload.name}，不用再选；换文件就重新选择。"

    def value(self, name: str):
        return self.cleaned_data.get(name)


@town_page
@page_or_post
def parcel_boundary(request, town_year: TownYear, pk):
    """The boundary that stands, and the form that changes it; for those who may decide and see coordinates."""
    parcel = parcel_in(request.user, town_year, pk, "decide")
    if not request.user.can("coordinates", parcel.division):
        raise PermissionDenied
    stands = Shape.objects.filter(parcel=parcel).defer("wkb").first()
    form = BoundaryForm(**sent(request), stands=stands, initial={"version": parcel.version})
    one = Act("图形", "保存", "图形已保存，重叠正在重新比对。", "面积以下发数为准，图形面积只作对照")

    def do():
        try:
            drawn = None if form.value("what") == REMOVE else _drawn(form, parcel, request.user)
            wish = Wish(drawn, form.value("reason") or "", form.value("version"), bool(form.value("sure")))
            set_boundary(town_year, parcel, wish, by=request.user)
        except Refused as refusal:
            if name := {"apart": "sure", "zone": "zone"}.get(refusal.code):
                form.ask(name)
                refusal.field = name
            raise

    return act(request, town_year, parcel, form, one, do, template="parcels/boundary.html", more={"stands": stands})


def _drawn(form: BoundaryForm, parcel: Parcel, user) -> Drawn:
    file, kept = form.value(FIELD), form.value("upload")
    if file:
        upload = keep(file, parcel.division, user)
    else:
        mine = Upload.objects.visible_to(user).filter(purpose=PURPOSE, division=parcel.division, user=user)
        upload = mine.filter(pk=kept).first() if kept else None
    if upload is None:
        raise Refused("请选择图形文件。", field=FIELD)
    form.holds(upload)
    return read_one(upload, zone=form.value("zone"))
