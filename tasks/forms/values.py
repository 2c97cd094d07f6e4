"""What a form states, as plain values: pure, the same whether just read from the database or issued long ago."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from farmland.lib.numbers import plain

PARCELS, AREAS = "parcels", "areas"
NO_PARCEL = "（未落图斑）"
ZERO = Decimal(0)


@dataclass(frozen=True)
class Stage:
    """A reported rung (由村填报的环节) of a ladder."""

    code: str
    name: str
    rank: int


@dataclass(frozen=True)
class Said:
    """What is known of one stage of one work: area in 亩 (cumulative), the day, the crop, the last remark, by whom."""

    area: Decimal = ZERO
    on: date | None = None
    crop: str = ""
    note: str = field(default="", compare=False)
    by: str = field(default="", compare=False)
    at: datetime | None = field(default=None, compare=False)


NOTHING = Said()


@dataclass(frozen=True)
class Item:
    """One work of a form: on a parcel (``codes``), or of a task that has no parcel yet.

    ``key``: ``work:<id>``, ``parcel:<id>`` (a parcel nobody has begun) or ``task:<kind>:<tranche>``.
    ``rows``: for each row of the sheet its number and the stage shown there ("" for none).
    """

    key: str
    task: str
    kind: str
    tranche: str = ""
    parcel: str = ""
    codes: tuple[str, ...] = ()
    group: str = ""
    gross: Decimal | None = None
    said: Mapping[str, Said] = field(default_factory=dict)
    rows: tuple[tuple[int, str], ...] = ()

    @property
    def label(self) -> str:
        """The codes as the sheet shows them."""
        return "、".join(self.codes) or (NO_PARCEL if not self.parcel else "")

    @property
    def ledger(self) -> tuple[str, str]:
        """The account the area is in: areas of different ones must not be added."""
        return self.kind, self.tranche

    def title(self, stage: str) -> str:
        """自然撂荒 · 已种植, or the parcel's codes before the stage."""
        return f"{self.label if self.parcel else self.task} · {stage}"

    def of(self, stage: str) -> Said:
        return self.said.get(stage, NOTHING)


@dataclass(frozen=True)
class Facts:
    """All a form shows. ``stages``: by kind, the reported stages from low to high."""

    layout: str
    items: tuple[Item, ...]
    stages: Mapping[str, tuple[Stage, ...]]

    def __post_init__(self):
        object.__setattr__(self, "_by_key", {item.key: item for item in self.items})

    def item(self, key: str) -> Item | None:
        return self._by_key.get(key)

    def now(self, item: Item) -> Item | None:
        """The same work in these newer facts, also when a parcel's first work was begun meanwhile."""
        if found := self.item(item.key):
            return found
        begun = [one for one in self.items if item.parcel and (one.parcel, one.kind) == (item.parcel, item.kind)]
        return begun[0] if item.key.startswith("parcel:") and begun else None

    def stage(self, kind: str, code: str) -> Stage | None:
        return next((one for one in self.stages.get(kind, ()) if one.code == code), None)

    def stage_name(self, kind: str, code: str) -> str:
        found = self.stage(kind, code)
        return found.name if found else code

    @property
    def digest(self) -> str:
        """Fingerprint of everything stated: equal facts, equal form."""
        text = json.dumps(self.as_json(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def as_json(self) -> dict:
        return {
            "layout": self.layout,
            "stages": {kind: [[one.code, one.name, one.rank] for one in found] for kind, found in self.stages.items()},
            "items": [item_json(item) for item in self.items],
        }

    @classmethod
    def from_json(cls, data: dict) -> "Facts":
        stages = {kind: tuple(Stage(*one) for one in found) for kind, found in data["stages"].items()}
        return cls(data["layout"], tuple(item_from_json(one) for one in data["items"]), stages)


def item_json(item: Item) -> dict:
    return {
        "key": item.key,
        "task": item.task,
        "kind": item.kind,
        "tranche": item.tranche,
        "parcel": item.parcel,
        "codes": list(item.codes),
        "group": item.group,
        "gross": None if item.gross is None else plain(item.gross),
        "said": {code: [plain(one.area), one.on and one.on.isoformat(), one.crop] for code, one in item.said.items()},
        "rows": [list(row) for row in item.rows],
    }


def item_from_json(data: dict) -> Item:
    said = {
        code: Said(Decimal(area), on and date.fromisoformat(on), crop)
        for code, (area, on, crop) in data["said"].items()
    }
    gross = None if data["gross"] is None else Decimal(data["gross"])
    rows = tuple((number, stage) for number, stage in data["rows"])
    return Item(**{**data, "codes": tuple(data["codes"]), "gross": gross, "said": said, "rows": rows})


def shown_stages(item: Item, stages: tuple[Stage, ...]) -> list[str]:
    """The stages of a parcel's rows: each one whose area is not covered by that of a later stage; [""] for none."""
    most, shown = ZERO, []
    for stage in reversed(stages):
        area = item.of(stage.code).area
        if area > most:
            shown.append(stage.code)
            most = area
    return shown[::-1] or [""]


def numbered(layout: str, items: list[Item], stages: Mapping[str, tuple[Stage, ...]], first: int) -> Facts:
    """The facts with every row given its number in the sheet, from ``first`` on."""
    number, placed = first, []
    for item in items:
        ladder = stages[item.kind]
        codes = [one.code for one in ladder] if layout == AREAS else shown_stages(item, ladder)
        placed.append(replace(item, rows=tuple(enumerate(codes, number))))
        number += len(codes)
    return Facts(layout, tuple(placed), stages)
