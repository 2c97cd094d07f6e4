"""The divisions and offices a plan names, found or made. Nothing is deleted: other years may stand on them."""

from datetime import date

from farmland.lib.documents import DocumentError, Problem
from farmland.places.models import Division, Office
from tasks.models import Progress, Snapshot
from tasks.plan.document import Place, PlanDoc, Town
from tasks.plan.sync import Differences, shown


def write_places(doc: PlanDoc, differences: Differences) -> Division:
    """The town with everything above and below it; a place without a code gets a marked provisional one."""
    parent = None
    for place in doc.town.above:
        found = _find(parent, place)
        parent = _kept(found, place, differences) if found else _made(parent, place, differences)
    town = _town(parent, doc.town, differences)
    _tree(town, doc.divisions, differences)
    return town


def _town(parent: Division | None, town: Town, differences: Differences) -> Division:
    """Known by its slug, whatever it was called before."""
    place = Place(
        name=town.name, kind=town.kind, code=town.code, aliases=town.aliases, line=town.line, path=town.path
    )  # fmt: skip
    known = Division.objects.filter(slug=town.slug).first()
    if known is None:
        found = _find(parent, place)
        if found is None:
            return _made(parent, place, differences, slug=town.slug)
        return _kept(found, place, differences, slug=town.slug, rename=True)
    if known.parent_id != (parent.pk if parent else None):
        raise _refused(
            place,
            "slug",
            f"标识“{town.slug}”已由{known.parent or '另一上级'}的{known}使用，请换一个标识，或改正上级。",
        )
    other_code = place.code and not known.is_provisional and place.code != known.code
    if other_code and place.name not in (known.name, *known.aliases):
        raise _refused(
            place,
            "slug",
            f"标识“{town.slug}”已由{known}（{known.code}）使用，名称和代码都不同：另一个乡镇请换标识，改名的请先照原代码载入。",
        )
    return _kept(known, place, differences, slug=town.slug, rename=True)


def _tree(parent: Division, places: list[Place], differences: Differences) -> None:
    for order, place in enumerate(places, start=1):
        found = _find(parent, place)
        if found is None:
            row = _made(parent, place, differences, order=order)
        else:
            row = _kept(found, place, differences, order=order, rename=True)
        _tree(row, place.divisions, differences)


def _find(parent: Division | None, place: Place) -> Division | None:
    """By code, else under the same superior by name, by a former name among the aliases, or ended before."""
    if merged := _merged(parent, place):
        return merged
    found = Division.objects.filter(code=place.code).first() if place.code else None
    if found is not None:
        if found.parent_id != (parent.pk if parent else None):
            message = f"代码“{place.code}”已由{found.parent or '最上级'}的{found}使用，请核对代码或上级。"
            raise _refused(place, "code", message)
        return found
    beside = Division.objects.filter(parent=parent)
    here = beside.filter(valid_to=None)
    return (
        here.filter(name=place.name).first()
        or here.filter(name__in=place.aliases).first()
        or beside.filter(name=place.name).order_by("-valid_to").first()
    )


def _merged(parent: Division | None, place: Place) -> Division | None:
    """A division that stood here and has gone into another: the plan of its last year still names it."""
    ended = Division.objects.filter(merged_into__isnull=False, path__startswith=parent.path if parent else "")
    found = [one for one in ended if place.code == one.code or place.name in (one.name, *one.aliases)]
    taken = Division.objects.filter(parent=parent, valid_to=None, name=place.name).exists()
    return found[0] if len(found) == 1 and not taken else None


def _made(parent, place: Place, differences: Differences, *, slug: str = "", order: int = 0) -> Division:
    row = Division(
        parent=parent, name=place.name, kind=place.kind, slug=slug, is_tenant=bool(slug), order=order,
        code=place.code or _provisional(parent, slug, order), is_provisional=not place.code, aliases=place.aliases,
    )  # fmt: skip
    row.save()
    differences.add(f"新增行政区划：{row}（{row.code}）")
    return row


def _kept(
    row: Division, place: Place, differences: Differences, *, slug: str = "", order: int = 0, rename: bool = False
) -> Division:
    """Bring a division up to date. Only the town and what lies below it take the file's name; the old one stays an
    alias, and no alias is ever lost: papers of other years may use it."""
    values = {"kind": place.kind, "order": order or row.order}
    if row.merged_into_id is None:
        values["valid_to"] = None
    if place.code:
        values |= {"code": place.code, "is_provisional": False}
    if slug:
        values |= {"slug": slug, "is_tenant": True}
    names = list(dict.fromkeys([row.name, *row.aliases, place.name, *place.aliases]))
    if rename and row.name != place.name:
        _require_free_name(row, place)
        values["name"] = place.name
    values["aliases"] = [one for one in names if one != values.get("name", row.name)]
    old = row.name
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in changed.items():
        if name not in ("order", "is_provisional", "is_tenant"):
            label = Division._meta.get_field(name).verbose_name
            differences.add(f"行政区划 {old} 的{label}：{_words(getattr(row, name))} → {_words(value)}")
        setattr(row, name, value)
    if changed:
        row.save()
    return row


def _words(value) -> str:
    return shown("、".join(value) if isinstance(value, list) else value)


def _require_free_name(row: Division, place: Place) -> None:
    """Two divisions of one name under one superior cannot be told apart."""
    if Division.objects.filter(parent=row.parent, name=place.name, valid_to=None).exclude(pk=row.pk).exists():
        raise _refused(place, "name", f"{row.parent}已有另一个{place.name}，{row}不能改用这个名称，请核对。")


def _refused(place: Place, name: str, message: str) -> DocumentError:
    return DocumentError([Problem(place.line, f"{place.path}.{name}", message)])


def end_gone(
    before: PlanDoc, doc: PlanDoc, town: Division, others: list[PlanDoc], differences: Differences, on: date
) -> None:
    """Divisions the plan named before and no longer does: ended when nothing is registered there, else told.

    ``others``: the plans of the town's other years; ``on``: the working date. Called when the plan's own
    rows are in step.
    """
    named = {line for one in [doc, *others] for line in _lines(one)}
    for line in sorted(set(_lines(before)) - named, key=len, reverse=True):
        row = town
        for name in line:
            row = Division.objects.filter(parent=row, name=name, valid_to=None).first() if row else None
        if row is None:  # it has another name now
            continue
        if _carries(row):
            differences.add(f"方案里已没有{row}，但那里已有登记，行政区划仍然保留。")
        else:
            row.valid_to = on
            row.save()
            differences.add(f"撤销行政区划：{row}（方案里已没有，也没有登记）")


def _lines(doc: PlanDoc) -> list[tuple[str, ...]]:
    """The names from the top of the tree down to each division."""

    def below(places: list[Place], above: tuple[str, ...]):
        for place in places:
            line = (*above, place.name)
            yield line
            yield from below(place.divisions, line)

    return list(below(doc.divisions, ()))


def _carries(row: Division) -> bool:
    """Whether anything but computed figures hangs on a division, or a division below it is in force."""
    for link in Division._meta.get_fields(include_hidden=True):
        if not (link.auto_created and (link.one_to_many or link.many_to_many or link.one_to_one)):
            continue
        if link.related_model in (Progress, Snapshot):
            continue
        hanging = link.related_model._base_manager.filter(**{link.field.name: row})
        if link.related_model is Division:
            hanging = hanging.filter(valid_to=None)
        if hanging.exists():
            return True
    return False


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
