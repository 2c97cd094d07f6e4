"""约束图层: land that parcels are held against (红线, steep land, 永农, what earlier years or other programs did).

Kinds are rows of the dictionary "layer_kind": ``on_restore`` says what lying on one means for restoring cultivated
land, ``role`` what its lists are. A layer's ``source`` is its kind.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef

from farmland.places.models import Division, Term
from parcels.models import Overlap, ParcelList

FORBID, WARN, ALLOW = "forbid", "warn", "allow"
SAYS = {FORBID: "不得恢复", WARN: "须核对", ALLOW: "只登记"}
ROLES = ("layer", "done_earlier", "paid_elsewhere")


@dataclass(frozen=True)
class LayerKind:
    """``on_restore``: forbid, warn or allow."""

    code: str
    label: str
    on_restore: str
    role: str

    @property
    def says(self) -> str:
        return SAYS[self.on_restore]


UNKNOWN = LayerKind("other", "其他图层", WARN, "layer")


def names_of_lists(kind: LayerKind, town: Division) -> list[str]:
    """What the town's plan calls the lists of this kind that its policies ask for."""
    dictionary = {"done_earlier": "list", "paid_elsewhere": "policy"}.get(kind.role)
    return [one.label for one in Term.objects.of(dictionary, town)] if dictionary else []


def layer_kinds(town: Division) -> dict[str, LayerKind]:
    """The common kinds and the town's own, which replace common ones of the same code. One query."""
    rows = sorted(Term.objects.of("layer_kind", town), key=lambda one: one.town_id is not None)
    return {one.code: _kind(one) for one in rows}


def _kind(term: Term) -> LayerKind:
    says, role = term.attrs.get("on_restore", WARN), term.attrs.get("role", "layer")
    return LayerKind(term.code, term.label, says if says in SAYS else WARN, role if role in ROLES else "layer")


def kinds_that(on_restore: str, town: Division | None = None) -> list[str]:
    """The codes of the kinds that say so in the town, or in any town."""
    if town is not None:
        return [one.code for one in layer_kinds(town).values() if one.on_restore == on_restore]
    rows = Term.objects.filter(dictionary="layer_kind", attrs__on_restore=on_restore)
    return list(rows.values_list("code", flat=True))


def overlapping(rows, wanted: str, town: Division | None = None):
    """Of parcels those that overlap: ``any`` (but what is only noted), ``forbid``, ``parcel``, or a layer's id."""
    found = Overlap.objects.filter(parcel=OuterRef("pk"))
    if wanted == FORBID:
        found = found.filter(layer__source__in=kinds_that(FORBID, town))
    elif wanted == "parcel":
        found = found.filter(other__isnull=False)
    elif wanted == "any":
        found = found.exclude(layer__source__in=kinds_that(ALLOW, town))
    else:
        try:
            found = found.filter(layer=UUID(wanted))
        except ValueError:
            return rows.none()
    return rows.filter(Exists(found))


def layers_in_force(town: Division, year: int) -> list[ParcelList]:
    """Of each kind and title the newest that is not of a later year. One query."""
    rows = ParcelList.objects.filter(town=town, role__in=ROLES, year__lte=year).order_by("year", "pk")
    return list({(one.source, one.title): one for one in rows}.values())
