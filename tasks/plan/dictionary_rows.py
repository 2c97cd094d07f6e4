"""Dictionary rows into the database: words, ladders and kinds are added and brought up to date, never removed."""

from django.db.models import F, Model

from farmland.lib.documents import DocumentError, Node, Problem
from farmland.places.models import Division, Term
from parcels.models import Kind, Ladder, LadderChoice, Rung
from tasks.models import Plan
from tasks.plan.dictionary import DictionaryDoc
from tasks.plan.document import LadderDoc, PlanDoc
from tasks.plan.sync import Differences, shown

ASIDE = 1000  # more than any ladder has rungs; ranks are small numbers


def write_dictionary(doc: DictionaryDoc | PlanDoc, *, town: Division | None = None, differences: Differences) -> None:
    """Terms of a plan are the town's own; ladders and kinds are common, a code that exists is brought up to date."""
    stored = {(one.dictionary, one.code): one for one in Term.objects.filter(town=town)}
    for order, term in enumerate(doc.terms):
        values = {
            "label": term.label,
            "synonyms": [*term.synonyms, *term.variants],
            "attrs": term.attrs or {},
            "order": order,
        }
        key = {"dictionary": term.dictionary, "code": term.code}
        row = stored.get((term.dictionary, term.code))
        stored[term.dictionary, term.code] = _bring(row, Term, key | {"town": town}, values, differences)
    ladders = {one.code: one for one in Ladder.objects.prefetch_related("rungs")}
    for ladder in doc.ladders:
        ladders[ladder.code] = _write_ladder(ladders.get(ladder.code), ladder, differences)
    kinds = _write_kinds(doc, ladders, differences)
    if town and isinstance(doc, PlanDoc):
        for kind, ladder in (doc.town_ladders or {}).items():
            _put(LadderChoice, {"town": town, "kind": kinds[kind]}, {"ladder": ladders[ladder]}, differences)


def _write_ladder(row: Ladder | None, ladder: LadderDoc, differences: Differences) -> Ladder:
    """Rungs may be put in, moved and dropped; one that land stands on is not dropped (refused by line)."""
    row = _bring(row, Ladder, {"code": ladder.code}, {"name": ladder.name}, differences)
    ranks = {rung.code: rank for rank, rung in enumerate(ladder.rungs)}
    stored = {rung.code: rung for rung in row.rungs.all()}
    for rung in stored.values():
        if rung.code not in ranks:
            _drop(rung, ladder, differences)
    if any(ranks.get(rung.code) not in (rung.rank, None) for rung in stored.values()):
        differences.add(f"阶梯 {ladder.name} 的环节次序：{'、'.join(rung.name for rung in ladder.rungs)}")
        Rung.objects.filter(ladder=row).update(rank=F("rank") + ASIDE)  # two never hold one rank, not even on the way
        stored = {rung.code: rung for rung in Rung.objects.filter(ladder=row)}
    for rank, rung in enumerate(ladder.rungs):
        values = {"name": rung.name, "rank": rank, "level": rung.level, "tier": rung.tier}
        key = {"ladder": row, "code": rung.code}
        _bring(stored.get(rung.code), Rung, key, values | {"is_reported": rung.reported}, differences)
    return row


def _drop(rung: Rung, ladder: LadderDoc, differences: Differences) -> None:
    if rung.steps.exists():
        message = f"环节“{rung.code}”（{rung}）已有登记，不能删去，请把它留在阶梯“{ladder.name}”里。"
        raise DocumentError([Problem(ladder.line, f"{ladder.path}.rungs", message)])
    differences.add(f"阶梯 {ladder.name} 删去环节：{rung}")
    rung.delete()


def require_own_codes(doc: PlanDoc, town: Division) -> None:
    """Ladders and kinds are common to all towns: a code that another town's plan defines otherwise is refused."""
    if not doc.ladders and not doc.kinds:
        return
    others: dict[tuple[type, str], tuple[Node, str]] = {}
    for plan in Plan.objects.exclude(town=town).select_related("town"):
        for one in (*plan.document.ladders, *plan.document.kinds):
            others[type(one), one.code] = one, plan.town.name
    problems = []
    for one in (*doc.ladders, *doc.kinds):
        other, name = others.get((type(one), one.code), (one, ""))
        if one != other:
            message = f"代码“{one.code}”已由{name}的方案定义，内容不同，请换一个代码，或写成与它完全一样。"
            problems.append(Problem(one.line, f"{one.path}.code", message))
    if problems:
        raise DocumentError(problems)


def _write_kinds(doc: DictionaryDoc | PlanDoc, ladders: dict[str, Ladder], differences: Differences) -> dict:
    """Kinds by code, those of the document brought up to date."""
    kinds = {one.code: one for one in Kind.objects.select_related("ladder").prefetch_related("feeds")}
    for order, kind in enumerate(doc.kinds):
        values = {
            "name": kind.name,
            "nature": kind.nature,
            "unit": kind.unit,
            "ladder": ladders[kind.ladder],
            "counted_level": kind.counted_level,
            "order": order + (0 if isinstance(doc, DictionaryDoc) else 1000),
        }
        kinds[kind.code] = _bring(kinds.get(kind.code), Kind, {"code": kind.code}, values, differences)
    for kind in doc.kinds:
        row = _bring(kinds[kind.code], Kind, {}, {"parent_id": kind.parent or None}, differences)
        if {one.code for one in row.feeds.all()} != set(kind.feeds):
            row.feeds.set(kind.feeds)
    return kinds


def _put(model: type[Model], key: dict, values: dict, differences: Differences) -> Model:
    return _bring(model.objects.filter(**key).first(), model, key, values, differences)


def _bring(row: Model | None, model: type[Model], key: dict, values: dict, differences: Differences) -> Model:
    """The stored row brought up to date, or a new one of that key."""
    if row is None:
        row = model.objects.create(**key, **values)
        differences.add(f"新增{model._meta.verbose_name}：{row}")
    elif changed := [name for name, value in values.items() if getattr(row, name) != value]:
        for name in changed:
            if name not in ("order", "rank"):
                label = model._meta.get_field(name.removesuffix("_id")).verbose_name
                old, new = shown(getattr(row, name)), shown(values[name])
                differences.add(f"{model._meta.verbose_name} {row} 的{label}：{old} → {new}")
            setattr(row, name, values[name])
        row.save()
    return row
