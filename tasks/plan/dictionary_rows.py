"""Dictionary rows into the database: words, ladders and kinds are added and brought up to date, never removed."""

from django.db.models import Model

from farmland.places.models import Division, Term
from parcels.models import Kind, Ladder, LadderChoice, Rung
from tasks.plan.dictionary import DictionaryDoc
from tasks.plan.document import PlanDoc
from tasks.plan.sync import Differences


def write_dictionary(doc: DictionaryDoc | PlanDoc, *, town: Division | None = None, differences: Differences) -> None:
    """Terms of a plan are the town's own; ladders and kinds are common, a code that exists is brought up to date."""
    for order, term in enumerate(doc.terms):
        values = {
            "label": term.label,
            "synonyms": [*term.synonyms, *term.variants],
            "attrs": term.attrs or {},
            "order": order,
        }
        _put(Term, {"dictionary": term.dictionary, "code": term.code, "town": town}, values, differences)
    for ladder in doc.ladders:
        row = _put(Ladder, {"code": ladder.code}, {"name": ladder.name}, differences)
        for rank, rung in enumerate(ladder.rungs):
            values = {"name": rung.name, "rank": rank, "level": rung.level, "tier": rung.tier}
            _put(Rung, {"ladder": row, "code": rung.code}, values | {"is_reported": rung.reported}, differences)
    _write_kinds(doc, differences)
    if town and isinstance(doc, PlanDoc):
        for kind, ladder in (doc.town_ladders or {}).items():
            row = Ladder.objects.get(code=ladder)
            _put(LadderChoice, {"town": town, "kind": Kind.objects.get(code=kind)}, {"ladder": row}, differences)


def _write_kinds(doc: DictionaryDoc | PlanDoc, differences: Differences) -> None:
    for order, kind in enumerate(doc.kinds):
        values = {
            "name": kind.name,
            "nature": kind.nature,
            "unit": kind.unit,
            "ladder": Ladder.objects.get(code=kind.ladder),
            "counted_level": kind.counted_level,
            "order": order + (0 if isinstance(doc, DictionaryDoc) else 1000),
        }
        _put(Kind, {"code": kind.code}, values, differences)
    for kind in doc.kinds:
        row = Kind.objects.get(code=kind.code)
        _put(Kind, {"code": kind.code}, {"parent_id": kind.parent or None}, differences)
        if set(row.feeds.values_list("code", flat=True)) != set(kind.feeds):
            row.feeds.set(kind.feeds)


def _put(model: type[Model], key: dict, values: dict, differences: Differences) -> Model:
    row = model.objects.filter(**key).first()
    if row is None:
        row = model.objects.create(**key, **values)
        differences.add(f"新增{model._meta.verbose_name}：{row}")
    elif any(getattr(row, name) != value for name, value in values.items()):
        for name, value in values.items():
            setattr(row, name, value)
        row.save()
    return row
