"""The 举证 of one parcel as a page shows it: photos by phase with remarks in words, what is missing, the answers."""

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
    """Everything about one parcel's evidence. ``phases``: (code, name, photos) of those that hold any."""

    parcel: Parcel
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
    def count(self) -> int:
        return sum(len(photos) for _, _, photos in self.phases)

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
    """Three queries, whatever the number of photos. Coordinates are left out for who may not see them."""
    terms: dict[str, dict[str, Term]] = {name: {} for name in DICTIONARIES}
    for term in Term.objects.filter(dictionary__in=DICTIONARIES).order_by("order", "pk"):
        if term.town_id in (None, parcel.town_id):
            terms[term.dictionary][term.code] = term
    found = Gallery(parcel, terms)
    sees_coordinates = user.can("coordinates", parcel.division)
    rows = Evidence.objects.visible_to(user).filter(parcel=parcel).select_related("original", "by", "withdrawn_by")
    photos = []
    for one in rows.order_by("taken_at", "received_at", "pk"):
        one.words = words_of(one, found, sees_coordinates)
        if one.withdrawn_at:
            found.withdrawn.append(one)
        elif one.category == "paper":
            found.papers.append(one)
        else:
            photos.append(one)
    by_phase = [(code, name, [one for one in photos if one.phase == code]) for code, name in PHASES]
    found.phases = [one for one in by_phase if one[2]]
    sets = {code: term.attrs for code, term in terms["evidence_set"].items()}
    found.needs = needs(sets, parcel.kind_id, [(one.phase, one.view) for one in photos])
    outcomes = list(EvidenceOutcome.objects.filter(parcel=parcel).select_related("by").order_by("on", "recorded_at"))
    for one in outcomes:
        one.level_name, one.reason_name = found.of("level", one.level), found.of("reason", one.reason)
    found.outcomes = outcomes
    found.answers = list(standing(outcomes).values())
    found.returned = returned(outcomes)
    return found


def words_of(one: Evidence, gallery: Gallery, sees_coordinates: bool) -> dict:
    """What stands under a photo."""
    taken = timezone.localtime(one.taken_at) if one.taken_at else None
    return {
        "view": gallery.of("photo_view", one.view) if one.view else "",
        "taken": taken,
        "place": place_of(one, sees_coordinates),
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
