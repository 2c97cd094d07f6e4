"""The 举证 of a parcel or an issue as a page shows it: photos by phase, remarks in words, what is missing, answers."""

from dataclasses import dataclass, field

from django.utils import timezone

from farmland.accounts.models import User
from farmland.places.models import Term
from parcels.evidence_rules import Need, needs
from parcels.models import Evidence, EvidenceOutcome, Parcel
from parcels.outcomes import returned, standing

DICTIONARIES = ("photo_view", "evidence_flag", "evidence_set", "level", "reason", "crop")
PHASES = (*Evidence.PHASES, ("", "未写阶段"))
COMPASS = ("北", "东北", "东", "东南", "南", "西南", "西", "西北")


@dataclass
class Gallery:
    """Everything about one thing's evidence. ``phases``: (code, name, photos) of those that hold any."""

    terms: dict[str, dict[str, Term]]
    phases: list[tuple[str, str, list[Evidence]]] = field(default_factory=list)
    papers: list[Evidence] = field(default_factory=list)
    withdrawn: list[Evidence] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)
    outcomes: list[EvidenceOutcome] = field(default_factory=list)
    answers: list[EvidenceOutcome] = field(default_factory=list)
    returned: EvidenceOutcome | None = None

    def of(self, dictionary: str, code: str) -> str:
        term = self.terms[dictionary].get(code)
        return term.label if term else code

    def choices(self, dictionary: str) -> list[tuple[str, str]]:
        return [(one.code, one.label) for one in self.terms[dictionary].values()]

    @property
    def photos(self) -> list[Evidence]:
        return [one for _, _, photos in self.phases for one in photos]

    @property
    def count(self) -> int:
        return len(self.photos)

    def require(self, kind: str) -> None:
        """Hold the photos against the smallest set of a kind of task."""
        sets = {code: term.attrs for code, term in self.terms["evidence_set"].items()}
        self.needs = needs(sets, kind, [(one.phase, one.view) for one in self.photos])

    @property
    def missing(self) -> list[str]:
        """整改后全景 2 张: what the smallest set still asks for."""
        names = dict(Evidence.PHASES)
        return [
            f"{names.get(one.phase, '')}{self.of('photo_view', one.view)} {one.missing} 张"
            for one in self.needs
            if one.missing
        ]


def gallery_of(parcel: Parcel, user: User) -> Gallery:
    """Three queries, whatever the number of photos."""
    found = gathered(Evidence.objects.visible_to(user).filter(parcel=parcel), parcel.town_id, user)
    found.require(parcel.kind_id)
    outcomes = list(EvidenceOutcome.objects.filter(parcel=parcel).select_related("by").order_by("on", "recorded_at"))
    for one in outcomes:
        one.level_name, one.reason_name = found.of("level", one.level), found.of("reason", one.reason)
    found.outcomes = outcomes
    found.answers = list(standing(outcomes).values())
    found.returned = returned(outcomes)
    return found


def gathered(rows, town_id: int, user: User) -> Gallery:
    """A queryset of Evidence in scope, in two queries. Coordinates are left out for who may not see them."""
    terms: dict[str, dict[str, Term]] = {name: {} for name in DICTIONARIES}
    for term in Term.objects.filter(dictionary__in=DICTIONARIES).order_by("order", "pk"):
        if term.town_id in (None, town_id):
            terms[term.dictionary][term.code] = term
    found, photos = Gallery(terms), []
    rows = rows.select_related("original", "by", "withdrawn_by", "division", "parcel")
    for one in rows.order_by("taken_at", "received_at", "pk"):
        one.words = words_of(one, found, user.can("coordinates", one.division))
        if one.withdrawn_at:
            found.withdrawn.append(one)
        elif one.category == "paper":
            found.papers.append(one)
        else:
            photos.append(one)
    by_phase = [(code, name, [one for one in photos if one.phase == code]) for code, name in PHASES]
    found.phases = [one for one in by_phase if one[2]]
    return found


def words_of(one: Evidence, gallery: Gallery, sees_coordinates: bool) -> dict:
    """What stands under a photo."""
    taken = timezone.localtime(one.taken_at) if one.taken_at else None
    return {
        "view": gallery.of("photo_view", one.view) if one.view else "",
        "taken": taken,
        "place": place_of(one, sees_coordinates),
        "original": sees_coordinates,
        "year": one.parcel.year if one.parcel_id else None,  # the address of its files
        "azimuth": facing(one.azimuth),
        "flags": [gallery.of("evidence_flag", code) for code in one.flags],
        "alt": f"{one.get_phase_display()}{gallery.of('photo_view', one.view) if one.view else '照片'}",
    }


def place_of(one: Evidence, sees_coordinates: bool) -> str:
    if one.longitude is None:
        return ""
    if not sees_coordinates:
        return "有定位"
    source = {"exif": "照片", "phone": "手机"}.get(one.position_from, "")
    return f"{one.longitude:.5f}, {one.latitude:.5f}（{source}定位）"


def facing(azimuth) -> str:
    """朝东南 135°."""
    if azimuth is None:
        return ""
    return f"朝{COMPASS[int((float(azimuth) + 22.5) // 45) % 8]} {float(azimuth):.0f}°"
