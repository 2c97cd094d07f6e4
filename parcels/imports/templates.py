"""Saved ways to read a source's lists (导入模板): kept per town, the one used last offered first."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from farmland.accounts.models import User, record
from farmland.places.models import Division
from parcels.imports.choices import Choices, Reading
from parcels.imports.columns import BY_FIELD
from parcels.models import ImportTemplate


def choices_for(town: Division, template: str = "", layer: str = "") -> Choices:
    """What is known of how the town's files are read; ``template``: the id of the one chosen, "" to offer all."""
    rows = list(ImportTemplate.objects.filter(town=town).order_by("-used_at", "name"))
    chosen = next((one for one in rows if str(one.pk) == template), None)
    zones = [one.defaults["zone"] for one in ([chosen] if chosen else rows) if one.defaults.get("zone")]
    return Choices(
        reading=reading_of(chosen) if chosen else None,
        offered=tuple(reading_of(one) for one in rows),
        layer=layer,
        zone=int(zones[0]) if zones else None,
    )


def mark_used(readings: Iterable[Reading]) -> None:
    """The templates a written list was read by are offered first from now on."""
    keys = {one.pk for one in readings if one.pk}
    if keys:
        ImportTemplate.objects.filter(pk__in=keys).update(used_at=timezone.now())


def reading_of(template: ImportTemplate) -> Reading:
    return Reading(template.name, template.mapping, template.defaults, str(template.pk))


@transaction.atomic
def save_template(town: Division, name: str, *, mapping: dict, defaults: dict, by: User) -> ImportTemplate:
    """Keep a way of reading under its name; the same name is read the new way from now on."""
    template, _ = ImportTemplate.objects.select_for_update().get_or_create(
        town=town, name=name, defaults={"is_demo": by.is_demo}
    )
    before = {"mapping": template.mapping, "defaults": template.defaults}
    template.mapping, template.defaults, template.used_at = mapping, defaults, timezone.now()
    template.save()
    after = {"mapping": mapping, "defaults": defaults}
    if after != before:
        record("保存导入模板", name, user=by, town=town, before=before, after=after, about=template.pk)
    return template


def templates_of(town: Division) -> list[dict]:
    """The saved ways to read with their headings and the values for all rows, in words."""
    names = {"zone": "中央经线"}
    return [
        {
            "name": one.name,
            "headings": [heading for heading, said in one.mapping.items() if said.get("field")],
            "defaults": [
                f"{names.get(field) or BY_FIELD[field].heading}：{text}"
                for field, text in one.defaults.items()
                if text and (field in names or field in BY_FIELD)
            ],
            "used_at": one.used_at,
        }
        for one in ImportTemplate.objects.filter(town=town).order_by("-used_at", "name")
    ]
