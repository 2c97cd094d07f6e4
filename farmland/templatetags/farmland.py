"""Everything a page draws with: ``{% load farmland %}``.

Tags take plain Python values (Decimal, str, date, lists, dicts or objects with the named attributes); geometry comes
from ``farmland.svg``, words and shapes from ``words``, number styles from ``formats``. Nothing here queries.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache

from django import template
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

from farmland import icons, svg
from farmland.templatetags import formats, words

register = template.Library()

for name in ("mu", "quantity", "signed", "percent", "unit", "local_date"):
    register.filter(name, getattr(formats, name))
register.filter("money", formats.mu)


@register.filter
def pct(value: Decimal) -> str:
    """A coordinate of ``farmland.svg`` as an SVG percentage."""
    return f"{value.normalize():f}%"


@register.filter
def codes(value) -> str:
    """Parcel codes, each as printed and on its own line; takes one code or a list of them."""
    found = [value] if isinstance(value, str) else list(value or [])
    lines = format_html_join("", '<span class="code code--line">{}</span>', ((one,) for one in found if one))
    return lines or formats.NOTHING


@register.filter
def ground(tier: str) -> str:
    """The attribute that paints a shape with a tier's ground; what is not a tier is bare track."""
    if tier == "accepted":
        return mark_safe('class="g-accepted"')
    if tier in words.TIERS and tier != "open":
        return format_html('fill="url(#t-{})"', tier)
    return mark_safe('class="bullet__track"')


@register.filter
def tier_word(tier: str) -> str:
    return words.TIERS.get(tier, tier)


def read(item, name: str, default=None):
    """``name`` of a dict or an object."""
    return item.get(name, default) if isinstance(item, Mapping) else getattr(item, name, default)


def parts(segments) -> list[tuple[str, Decimal]]:
    """(tier, amount) pairs from a mapping, a list of pairs or a list of things with tier and amount; no zeros."""
    if isinstance(segments, Mapping):
        segments = segments.items()
    pairs = [one if isinstance(one, tuple | list) else (read(one, "tier"), read(one, "amount")) for one in segments]
    found = [(tier, formats.decimal(amount) or Decimal(0)) for tier, amount in pairs]
    return [(tier, amount) for tier, amount in found if amount > 0]


def spoken(pairs: Iterable[tuple[str, Decimal]], unit: str = "mu") -> str:
    """已举证 12.40，已种植 21.60: the parts of a bar as they are read aloud and printed below it."""
    return "，".join(f"{words.TIERS.get(tier, tier)} {formats.quantity(amount, unit)}" for tier, amount in pairs)


@register.simple_tag
def sprite():
    return icons.sprite()


@register.simple_tag
@lru_cache(maxsize=1000, typed=True)
def icon(name: str, label: str = ""):
    """An icon; with a label it is read aloud, without it is decoration."""
    if name not in icons.ICONS and name != "logo":
        raise template.TemplateSyntaxError(f"no such icon: {name}")
    drawn = format_html('<svg class="icon" aria-hidden="true" focusable="false"><use href="#i-{}"/></svg>', name)
    return format_html('{}<span class="visually-hidden">{}</span>', drawn, label) if label else drawn


@register.simple_tag
def swatch(tier: str):
    """A patch of a tier's ground, or of the target tick for ``target``; a stage is drawn on its tier's ground."""
    if tier == "target":
        line = '<line x1="50%" x2="50%" y1="0" y2="100%"/>'
        return format_html('<svg class="swatch swatch--line" aria-hidden="true">{}</svg>', mark_safe(line))
    drawn = tier if tier in words.TIERS else words.STAGE_TIERS.get(tier, "planned")
    return format_html(
        '<svg class="swatch" aria-hidden="true"><rect {} x="0" y="0" width="100%" height="100%"/></svg>', ground(drawn)
    )


@register.inclusion_tag("_partials/legend.html")
def legend(tiers: str = "accepted evidenced planted ploughed planned dead", target: bool = True):
    return {"tiers": [(tier, words.TIERS[tier]) for tier in tiers.split()], "target": target}


@register.simple_tag
def chip(state, label: str = "", red_line: bool = False):
    """A thing's state, once per row or head: shape + word. ``label`` replaces the word, never the shape."""
    return drawn_look("_partials/chip.html", *words.look(state, label, red_line=red_line))


@lru_cache(maxsize=1000, typed=True)  # typed: a text that is safe and one that is not are two
def drawn_look(name: str, icon: str, tone: str, word: str, hide_word: bool = False) -> str:
    return render_to_string(name, {"look": words.Look(icon, tone, word), "hide_word": hide_word})


@register.simple_tag
def state(state, label: str = "", red_line: bool = False, hide_word: bool = False):
    """A state inside a cell or a sentence; with ``hide_word`` the word is only read aloud."""
    look = words.look(state, label, red_line=red_line)
    return drawn_look("_partials/state.html", *look, hide_word=bool(hide_word))


@register.simple_tag
def bullet(segments, target=None, label: str = "", unit: str = "mu", sentence: str = ""):
    """A bar of tiers against a target. ``label`` stands at the tick (还需 61.90); read aloud as a full sentence."""
    pairs = parts(segments)
    if not sentence:
        goal = formats.decimal(target)
        head = label or (f"目标 {formats.quantity(goal, unit)}" if goal is not None else "")
        unit_word = f" {formats.unit(unit)}"
        sentence = "。".join(text for text in (f"{head}{unit_word}" if head else "", spoken(pairs, unit)) if text)
        sentence = f"{sentence or '没有数据'}。"
    return drawn_bullet(tuple(pairs), formats.decimal(target), label, sentence)


@lru_cache(maxsize=1000, typed=True)
def drawn_bullet(pairs: tuple, target, label: str, sentence: str) -> str:
    values = {"bar": svg.bullet(list(pairs), target), "label": label, "sentence": sentence}
    return render_to_string("_partials/bullet.html", values)


@register.inclusion_tag("_partials/bullet_units.html")
def bullet_units(done: int, total: int, unit: str = "个", done_word: str = "已销号", open_word: str = "未销号"):
    """Counted things as boxes: 3 个问题，已销号 1 个，未销号 2 个."""
    left = max(total - done, 0)
    sentence = f"共 {total} {unit}：{done_word} {done} {unit}，{open_word} {left} {unit}。"
    return {"boxes": svg.units(done, total), "sentence": sentence}


@register.inclusion_tag("_partials/bullet_key.html")
def bullet_key(segments, unit: str = "mu"):
    """The parts of a bar in words, below it."""
    return {
        "parts": [(words.TIERS.get(tier, tier), formats.quantity(amount, unit)) for tier, amount in parts(segments)]
    }


@register.simple_tag
def cell(state, counted=None, target=None, done=None, unit: str = "mu", label: str = "", url: str = ""):
    """A matrix cell: state, counted / target, share, and a bar of counted over ``done`` (planted and beyond).

    No target, no state and no area is no task (—); area without a target is shown as it is: nothing promised it.
    """
    return drawn_cell(state, *(formats.decimal(value) for value in (counted, target, done)), unit, label, url)


@lru_cache(maxsize=10_000, typed=True)  # pages are looked at far more often than their figures change
def drawn_cell(state, counted, target, done, unit: str, label: str, url: str) -> str:
    unasked = not state and target is None and bool(done)
    values = {
        "look": words.look(state, label) if state else None,
        "counted": formats.quantity(counted, unit),
        "target": formats.quantity(target, unit) if target is not None else "",
        "share": formats.percent(counted / target, 1) if target and counted is not None else "",
        "more": formats.quantity(done, unit) if unasked and done != counted else "",
        "is_empty": not state and target is None and not unasked,
        "counted_width": svg.share(counted, target),
        "done_width": svg.share(done, target),
        "url": url,
    }
    return render_to_string("_partials/cell.html", values)


@register.simple_tag
def ladder(rows, target=None, unit: str = "mu"):
    """Areas by acceptance level. A row has label, area and perhaps rate and counted (the level that counts)."""
    goal, found = formats.decimal(target), []
    for row in rows:
        if isinstance(row, tuple | list):
            row = dict(zip(("label", "area", "counted", "rate"), row, strict=False))
        area, rate = formats.decimal(read(row, "area")), formats.decimal(read(row, "rate"))
        if rate is None and goal and area is not None:
            rate = area / goal
        found.append((read(row, "label"), area, rate, bool(read(row, "counted"))))
    return drawn_ladder(tuple(found), unit)


@lru_cache(maxsize=1000, typed=True)
def drawn_ladder(rows: tuple, unit: str) -> str:
    drawn = [
        {
            "label": label,
            "area": formats.quantity(area, unit),
            "rate": formats.percent(rate) if rate is not None else "",
            "width": svg.share(rate, Decimal(1)),
            "counted": counted,
        }
        for label, area, rate, counted in rows
    ]
    return render_to_string("_partials/ladder.html", {"rows": drawn, "unit": formats.unit(unit)})


@register.simple_tag
def year_line(milestones, today=None):
    """Milestones on a year's axis with today's flag; on narrow screens and paper the same as a list.

    A milestone has on (date), title and perhaps note, state, red_line, url.
    """
    milestones = list(milestones)
    marks = tuple(words.milestone(one) for one in milestones)
    return drawn_year(marks, tuple(read(raw, "url", "") for raw in milestones), today)


@lru_cache(maxsize=200, typed=True)
def drawn_year(marks: tuple, urls: tuple, today) -> str:
    turn = {"met": "met", "risk": "back", "broken": "late"}
    items = [
        {
            "on": one.on,
            "title": one.title,
            "note": one.note,
            "turn": turn.get(one.tone) or ("next" if today is None or one.on >= today else "past"),
            "url": url,
        }
        for one, url in zip(marks, urls, strict=True)
    ]
    items.sort(key=lambda item: item["on"])
    values = {"line": svg.year_line(list(marks), today), "items": items, "today": today}
    return render_to_string("_partials/year_line.html", values)


@register.inclusion_tag("_partials/progress.html")
def progress(value, label: str = "进度"):
    """How far long work is: ``value`` is a whole percent, None while nobody can say."""
    done = formats.decimal(value)
    return {"value": None if done is None else int(min(max(done, 0), 100)), "label": label}


@register.inclusion_tag("_partials/empty.html")
def empty(title: str, text: str = "", icon: str = "none"):
    """Nothing here, and why."""
    return {"title": title, "text": text, "icon": icon}


@register.inclusion_tag("_partials/pagination.html", takes_context=True)
def pagination(context, page, noun: str = "个", target: str = "", param: str = "page"):
    """Page numbers that keep every other parameter of the address. ``target`` makes them swap that element."""
    query = context["request"].GET.copy() if "request" in context else None
    links = []
    for number in page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1):
        address = ""
        if isinstance(number, int):
            if query is None:
                address = f"?{param}={number}"
            else:
                query[param] = number
                address = f"?{query.urlencode()}"
        links.append((number, address))
    return {"page": page, "links": links, "noun": noun, "target": target}


@register.inclusion_tag("_partials/tally.html")
def tally(items):
    """The counts a page opens with. An item is (term, value), (term, value, unit) or (term, value, unit, tone)."""
    return {"items": [dict(zip(("term", "value", "unit", "tone"), item, strict=False)) for item in items]}


@register.inclusion_tag("_partials/facts.html")
def facts(pairs, wide: bool = False):
    """Terms and values of one record, from pairs or a mapping; nothing is —."""
    pairs = pairs.items() if isinstance(pairs, Mapping) else pairs
    shown = [(term, formats.NOTHING if value is None or value == "" else value) for term, value in pairs]
    return {"pairs": shown, "wide": wide}


@register.inclusion_tag("_partials/receipt.html")
def receipt(number: str, pairs, stamp: str = "已收"):
    """Proof that a form arrived: its number, what was written, when, and the check code."""
    return facts(pairs, wide=True) | {"number": number, "stamp": stamp}


@register.inclusion_tag("_partials/stepper.html")
def stepper(steps, current: int, row: bool = False):
    """A process with a current step (from 1). A step is a word, or (word, remark, remark …)."""
    shown = [(step, ()) if isinstance(step, str) else (step[0], step[1:]) for step in steps]
    return {"steps": shown, "current": current, "row": row}


@register.inclusion_tag("_partials/trail.html")
def trail(items):
    """The history of one record. An item has on, title and perhaps text, turn: "back" (returned), "next" (to come)."""
    return {"items": items}


@register.inclusion_tag("_partials/field.html")
def field(bound, hint: str = "", label: str = ""):
    """A form field with its label, hint and errors tied to the control."""
    attrs = {"class": "check" if bound.widget_type in {"checkbox", "radioselect"} else "input"}
    hint = hint or bound.help_text
    described = [f"{bound.auto_id}-hint"] if hint else []
    if bound.errors:
        described.append(f"{bound.auto_id}-error")
        attrs["aria-invalid"] = "true"
    if described:
        attrs["aria-describedby"] = " ".join(described)
    return {"field": bound, "control": bound.as_widget(attrs=attrs), "hint": hint, "label": label or bound.label}
