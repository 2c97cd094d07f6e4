"""What a newly issued list no longer holds: parcels that were worked on are named, and nothing is ever taken away."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from parcels.imports.cells import Known
from parcels.models import Listing, Parcel


@dataclass(frozen=True)
class LeftOut:
    """A parcel of the list the file continues that is not in the file; ``why``: what was done on it, "" nothing."""

    parcel: Parcel
    list: str
    why: str


def left_out(there: Collection, known: Known, standing) -> tuple[list[LeftOut], int]:
    """Those worked on, and how many others. ``there``: ids of the parcels the file holds.

    The file continues an issued list of the year where it holds half of its parcels or more.
    """
    found = {
        pk: LeftOut(parcel, title, _done_on(parcel, standing))
        for title, parcels in _continued(there, known).items()
        for pk in parcels
        if (parcel := standing.parcels.get(pk)) and parcel.division.code in known.divisions
    }
    done = sorted((one for one in found.values() if one.why), key=lambda one: one.parcel.codes)
    return done, len(found) - len(done)


def _continued(there: Collection, known: Known) -> dict[str, set]:
    """Title of each list the file continues → the ids of its parcels that are not in the file."""
    if not there:
        return {}
    issued = Listing.objects.filter(town=known.town, list__role="issued", list__year=known.year, parcel__isnull=False)
    lists: dict[str, set] = defaultdict(set)
    for title, parcel in issued.values_list("list__title", "parcel"):
        lists[title].add(parcel)
    return {
        title: parcels.difference(there)
        for title, parcels in lists.items()
        if 2 * len(parcels.intersection(there)) >= len(parcels)
    }


def _done_on(parcel: Parcel, standing) -> str:
    words = ["已有进展"] if parcel.pk in standing.started else []
    words += ["已有核查结论"] if parcel.finding else []
    words += [f"已退出：{work.get_exit_display()}" for work in standing.works[parcel.pk] if work.exit]
    return "、".join(dict.fromkeys(words))


def remarks(done: list[LeftOut], idle: int) -> list[str]:
    notes = []
    if done:
        notes.append(f"原清单里已做过的 {len(done)} 个图斑，这份文件没有：照旧保留，不删除，请与发文单位核对。")
    if idle:
        notes.append(f"原清单里还没有做过的 {idle} 个图斑，这份文件没有：照旧保留，不删除。")
    return notes
