"""The divisions and offices a plan names, found or made. Nothing is deleted: other years may stand on them."""

from farmland.places.models import Division, Office
from tasks.plan.document import Place, PlanDoc
from tasks.plan.sync import Differences


def write_places(doc: PlanDoc, differences: Differences) -> Division:
    """The town with everything above and below it; a place without a code gets a marked provisional one."""
    parent = None
    for place in doc.town.above:
        parent = _place(parent, place, differences)
    town = _place(
        parent,
        Place(name=doc.town.name, kind=doc.town.kind, code=doc.town.code, aliases=doc.town.aliases),
        differences,
        slug=doc.town.slug,
    )
    _tree(town, doc.divisions, differences)
    return town


def _tree(parent: Division, places: list[Place], differences: Differences) -> None:
    for order, place in enumerate(places, start=1):
        _tree(_place(parent, place, differences, order=order), place.divisions, differences)


def _place(parent, place: Place, differences: Differences, *, slug: str = "", order: int = 0) -> Division:
    found = Division.objects.filter(code=place.code).first() if place.code else None
    found = found or Division.objects.filter(parent=parent, name=place.name, valid_to=None).first()
    if found is None:
        found = Division(
            parent=parent, name=place.name, kind=place.kind, slug=slug, is_tenant=bool(slug), order=order,
            code=place.code or _provisional(parent, slug, order), is_provisional=not place.code, aliases=place.aliases,
        )  # fmt: skip
        found.save()
        differences.add(f"新增行政区划：{found}（{found.code}）")
        return found
    changed = []
    if place.code and found.code != place.code:
        found.code, found.is_provisional = place.code, False
        changed.append("代码")
    if slug and (found.slug, found.is_tenant) != (slug, True):
        found.slug, found.is_tenant = slug, True
        changed.append("标识")
    missing = [one for one in [place.name, *place.aliases] if one not in (found.name, *found.aliases)]
    if missing:
        found.aliases = [*found.aliases, *missing]
        changed.append("别名")
    if changed:
        found.save()
        differences.add(f"行政区划 {found} 的{'、'.join(changed)}有变化")
    return found


def _provisional(parent, slug: str, order: int) -> str:
    """Readable, unique and marked: the superior's code, a hyphen, and the slug or a running number."""
    base = parent.code if parent else "P"
    if slug:
        return f"{base}-{slug}"
    number = order or 1
    while Division.objects.filter(code=f"{base}-{number:02d}").exists():
        number += 1
    return f"{base}-{number:02d}"


def write_offices(doc: PlanDoc, town: Division, differences: Differences) -> dict[str, Office]:
    """The offices of the town by every name the plan uses for them."""
    by_name: dict[str, Office] = {}
    for unit in doc.offices:
        office = Office.objects.filter(division=town, name=unit.name).first()
        if office is None:
            office = Office.objects.create(division=town, name=unit.name, aliases=unit.aliases, kind=unit.kind)
            differences.add(f"新增单位：{office}")
        elif missing := [one for one in unit.aliases if one not in office.aliases]:
            office.aliases = [*office.aliases, *missing]
            office.save()
            differences.add(f"单位 {office} 增加别名：{'、'.join(missing)}")
        by_name |= dict.fromkeys([unit.name, *unit.aliases], office)
    for unit in doc.offices:
        _place_office(by_name[unit.name], by_name.get(unit.part_of), by_name.get(unit.hosted_by))
    return by_name


def _place_office(office: Office, parent: Office | None, host: Office | None) -> None:
    if (office.parent, office.hosted_by) != (parent, host) and office not in (parent, host):
        office.parent, office.hosted_by = parent, host
        office.save()
