"""Which row of the issued form a row of the returned sheet is, whatever was moved, sorted or saved again."""

import re
from collections import defaultdict
from dataclasses import dataclass

from farmland.lib.numbers import narrow
from tasks.forms.values import AREAS, Facts, Item

SEPARATORS = re.compile(r"[、,，;；\s]+")


@dataclass(frozen=True)
class Place:
    """A row of the issued form: its item, the stage it showed ("" for none) and the number it had (0: added)."""

    item: Item
    stage: str
    number: int


@dataclass(frozen=True)
class Seen:
    """What identifies a returned row: its number, and codes, task and stage as texts."""

    number: int
    codes: str
    task: str
    stage: str


def codes_key(text: str) -> tuple[str, ...]:
    """Codes in a cell, however they are separated; the words for "no parcel" are no code."""
    return tuple(one for one in SEPARATORS.split(narrow(text)) if one and not one.startswith("(未落"))


def word(text: str) -> str:
    return re.sub(r"\s+", "", narrow(text))


class Matcher:
    """Finds the place of each row; rows of the same codes and task are told apart by stage, number, order."""

    def __init__(self, facts: Facts):
        self.facts = facts
        self.groups: dict[tuple, list[Place]] = defaultdict(list)
        self.codes: set[tuple] = set()
        self.tasks = {word(item.task) for item in facts.items}
        for item in facts.items:
            self.codes.add(codes_key(item.label))
            for number, stage in item.rows:
                self.groups[self.item_key(item, stage)].append(Place(item, stage, number))

    def item_key(self, item: Item, stage: str) -> tuple:
        if self.facts.layout == AREAS:
            return (), word(item.task), word(self.facts.stage_name(item.kind, stage))
        return codes_key(item.label), word(item.task), ""

    def key(self, seen: Seen) -> tuple:
        stage = word(seen.stage) if self.facts.layout == AREAS else ""
        codes = () if self.facts.layout == AREAS else codes_key(seen.codes)
        task = word(seen.task)
        if not task and codes:  # a row added for a parcel that has one task only
            same = {key for key in self.groups if key[0] == codes}
            return next(iter(same)) if len(same) == 1 else (codes, task, stage)
        return codes, task, stage

    def match(self, rows: list[Seen]) -> dict[int, Place | None]:
        """By row number the place, or None where the form has no such row."""
        found: dict[int, Place | None] = {}
        by_key = defaultdict(list)
        for seen in rows:
            by_key[self.key(seen)].append(seen)
        for key, group in by_key.items():
            found |= self.assign(group, list(self.groups.get(key, ())))
        return found

    def assign(self, rows: list[Seen], places: list[Place]) -> dict[int, Place | None]:
        items = {place.item.key: place.item for place in places}
        found: dict[int, Place | None] = {}
        for is_same in (same_row, same_stage, same_number, anything):
            for seen in rows:
                if seen.number in found:
                    continue
                fit = next((one for one in places if is_same(self.facts, seen, one)), None)
                if fit is not None:
                    places.remove(fit)
                    found[seen.number] = fit
        for seen in rows:  # more rows than were issued: further stages of the same work
            if seen.number not in found:
                only = next(iter(items.values())) if len(items) == 1 else None
                found[seen.number] = Place(only, "", 0) if only else None
        return found


def same_stage(facts: Facts, seen: Seen, place: Place) -> bool:
    name = facts.stage_name(place.item.kind, place.stage) if place.stage else ""
    return bool(name) and word(seen.stage) == word(name)


def same_number(facts: Facts, seen: Seen, place: Place) -> bool:
    return seen.number == place.number


def same_row(facts: Facts, seen: Seen, place: Place) -> bool:
    return same_number(facts, seen, place) and same_stage(facts, seen, place)


def anything(facts: Facts, seen: Seen, place: Place) -> bool:
    return True
