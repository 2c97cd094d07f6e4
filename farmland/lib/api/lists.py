"""A REST list and its rows' own addresses, from one declared column table.

A list names its model, its columns, filters and orderings, and says in ``rows(user)`` what the user may see. It
fetches the declared sources only (``values_list``), so the number of queries does not grow with the rows.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.urls import path
from django.utils.cache import get_conditional_response
from rest_framework import exceptions
from rest_framework.views import APIView

from farmland.lib.api import files
from farmland.lib.api.columns import Column, Table, moment, plain
from farmland.lib.api.cursor import Cursor, Key, after
from farmland.lib.api.filters import UPDATED_SINCE, Filter
from farmland.lib.api.http import ExportThrottle
from farmland.lib.api.parameters import Query, check_names, read_format, read_query
from farmland.lib.api.schema import ListSchema

FILE_FORMATS = {"csv": files.csv_response, "xlsx": files.xlsx_response}
CHUNK = 1000
NOT_AN_ID = (ValueError, ValidationError)


class ListView(APIView):
    """Base of every list: subclasses declare, they do not code.

    ``name`` is the address and the OpenAPI name, ``label`` the Chinese title. Every row also has ``id`` (first column)
    and ``updated_at`` (last). ``ordering`` names columns with one plain source; ``default_ordering`` names sources,
    also hidden ones, and may carry "-". Of a door for POST: ``successes`` are its codes, ``added`` the fields its
    answer has besides the row, ``is_keyed`` says that it takes an Idempotency-Key.
    """

    name = ""
    label = ""
    model = None
    columns: tuple[Column, ...] = ()
    filters: tuple[Filter, ...] = ()
    ordering: tuple[str, ...] = ()
    default_ordering: tuple[str, ...] = ()
    formats: tuple[str, ...] = ("json", "csv", "xlsx")
    successes: tuple[int, ...] = (200, 201)
    added: dict = {}
    is_keyed = False
    id_column = Column("id", "编号", kind="id", help="不透明的文本，长期不变")
    updated_column = moment("updated_at", "更新时间")
    schema = ListSchema()

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "list_view" not in vars(cls):
            cls.list_view = cls
        hidden = tuple(source.removeprefix("-") for source in cls.default_ordering)
        cls.table = Table((cls.id_column, *cls.columns, cls.updated_column), hidden)
        cls.all_filters = (*cls.filters, replace(UPDATED_SINCE, source=cls.updated_column.sources[0]))
        cls.ordering = tuple(dict.fromkeys((*cls.ordering, "updated_at")))

    # What a list may override

    def rows(self, user):
        """The rows the user may see, as a queryset."""
        return self.model.objects.visible_to(user)

    def enrich(self, rows: list[dict[str, Any]]) -> None:
        """Fill the columns without a source, for up to CHUNK rows of Python values, in a fixed number of queries."""

    # The doors

    def get(self, request, id=None):
        if id is not None:
            return self.detail(request, id)
        query = read_query(self, request.query_params)
        rows = self.chosen(request.user, query.wanted)
        if query.format != "json":
            return self.as_file(rows, query)
        return self.as_page(request, rows, query)

    def get_throttles(self):
        is_file = self.request.GET.get("format", "json") != "json"
        return [*super().get_throttles(), *([ExportThrottle()] if is_file else [])]

    def detail(self, request, id: str):
        check_names(request.query_params, ["format"])
        read_format(request.query_params.get("format", "json"), ("json",))
        raw = self.one(request.user, id)
        if raw is None:
            raise exceptions.NotFound
        (row,) = self.finished([raw])
        return json_response(request, self.table.as_json(row))

    def as_page(self, request, rows, query: Query):
        salt = f"cursor:{self.name}:{query.ordering}"
        cursor = Cursor.read(query.cursor, salt) if query.cursor else None
        raws, more = self.window(rows, query.keys, cursor, query.page_size)
        backward = cursor is not None and cursor.backward
        steps = {"next": backward or more, "previous": more if backward else cursor is not None}
        edges = {"next": raws[-1:], "previous": raws[:1]}
        answer = {}
        for step, exists in steps.items():
            there = [self.position(raw, query.keys) for raw in edges[step]] if exists else []
            texts = [Cursor(values, step == "previous").text(salt) for values in there]
            answer[step] = address(request, texts[0]) if texts else None
        return json_response(request, answer | {"results": self.page_rows(self.finished(raws))})

    def page_rows(self, rows: list[dict]) -> list[dict]:
        return [self.table.as_json(row) for row in rows]

    def as_file(self, rows, query: Query):
        cells = (
            self.table.as_cells(row)
            for chunk in batches(self.stream(rows, query.keys), CHUNK)
            for row in self.finished(chunk)
        )
        answer = FILE_FORMATS[query.format](self.label, self.table.headings, cells)
        answer["Cache-Control"] = "private, no-cache"
        return answer

    def finished(self, raws: list) -> list[dict[str, Any]]:
        rows = [self.table.values(raw) for raw in raws]
        self.enrich(rows)
        return rows

    # How rows are found in the database; ComputedList finds them in Python

    def chosen(self, user, wanted: list[tuple[Filter, str]]):
        rows = self.rows(user)
        for one, text in wanted:
            rows = one.apply(rows, text, user)
        return rows

    def window(self, rows, keys: list[Key], cursor: Cursor | None, size: int) -> tuple[list, bool]:
        """One page of raw rows in the list's order, and whether there are more in walking direction."""
        backward = cursor is not None and cursor.backward
        if cursor is not None:
            rows = rows.filter(after(keys, cursor.values, backward))
        found = list(self.fetched(rows, keys, backward)[: size + 1])
        page = found[:size]
        return (page[::-1] if backward else page), len(found) > size

    def stream(self, rows, keys: list[Key]) -> Iterable:
        return self.fetched(rows, keys).iterator(chunk_size=2 * CHUNK)

    def fetched(self, rows, keys: list[Key], backward: bool = False):
        return rows.order_by(*[key.expression(backward) for key in keys]).values_list(*self.table.sources)

    def position(self, raw, keys: list[Key]) -> list:
        return [raw[self.table.sources.index(key.source)] for key in keys]

    def one(self, user, id: str):
        """The raw row of exactly this id: ٣ or 0_3 is not the id 3."""
        try:
            rows = self.rows(user).filter(**{self.id_column.sources[0]: id})
            found = rows.values_list(*self.table.sources).first()
        except NOT_AN_ID:  # the same 404 as an unknown one
            return None
        return found if found and str(found[0]) == id else None


def batches(rows: Iterable, size: int) -> Iterator[list]:
    walk = iter(rows)
    while batch := list(islice(walk, size)):
        yield batch


def json_response(request, content) -> HttpResponse:
    """A private JSON answer with an ETag of its bytes: whatever changes the answer changes the tag."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=plain).encode()
    answer = HttpResponse(body, content_type="application/json")
    answer["Cache-Control"] = "private, no-cache"
    answer["ETag"] = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    return get_conditional_response(request, etag=answer["ETag"], response=answer)


def address(request, cursor: str) -> str:
    """The full address of another page: every parameter kept, the cursor replaced."""
    params = request.query_params.copy()
    params["cursor"] = cursor
    return request.build_absolute_uri(f"{request.path}?{params.urlencode()}")


def list_paths(view: type[ListView]) -> list:
    """The addresses of a list: ``<name>/`` and the read-only ``<name>/<id>/``."""
    read_only = {"http_method_names": ["get", "head", "options"], "list_view": view, "__doc__": view.__doc__}
    detail = type(f"{view.__name__}Row", (view,), read_only)
    return [
        path(f"{view.name}/", view.as_view(), name=f"api_{view.name}"),
        path(f"{view.name}/<str:id>/", detail.as_view(), name=f"api_{view.name}_detail"),
    ]
