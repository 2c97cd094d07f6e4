"""A page of 100 rows of parcels/, first and deep, against the database's own JSON and the usual DRF view (P5)."""

from django.core.cache import cache
from django.db import connection
from rest_framework import pagination, serializers
from rest_framework.generics import ListAPIView
from rest_framework.test import APIRequestFactory, force_authenticate

from bench import land, towns
from bench.measure import Row, rates
from farmland.lib.api.cursor import Cursor
from parcels.api import ParcelList
from parcels.models import Parcel

ROWS = 100_000
PAGE = 100
DEEP = ROWS - 10_000
RAW = """
SELECT json_agg(row_to_json(page)) FROM (
    SELECT p.*, t.slug, d.code AS division_code, d.name FROM parcels_parcel p
    JOIN places_division t ON t.id = p.town_id JOIN places_division d ON d.id = p.division_id
    WHERE p.town_id = %s AND p.id > %s ORDER BY p.id LIMIT 100
) page
"""


class ParcelSerializer(serializers.ModelSerializer):
    town = serializers.CharField(source="town.slug")
    division = serializers.CharField(source="division.code")
    division_name = serializers.CharField(source="division.name")
    kind = serializers.CharField(source="kind_id")

    class Meta:
        model = Parcel
        fields = ["id", *(name for name in ParcelList.table.names if name != "id")]


class Pages(pagination.PageNumberPagination):
    page_size = PAGE


class UsualView(ListAPIView):
    """The same rows as most Django projects would give them: serializer, select_related, page numbers."""

    serializer_class = ParcelSerializer
    pagination_class = Pages
    throttle_classes = ()

    def get_queryset(self):
        rows = Parcel.objects.visible_to(self.request.user).order_by("pk")
        return rows.select_related("town", "division")


class Doors:
    """Both views, called as the address table would call them, by a signed-in user."""

    def __init__(self, user):
        self.user, self.requests = user, APIRequestFactory()
        self.views = {"ours": ParcelList.as_view(throttle_classes=()), "usual": UsualView.as_view()}

    def answer(self, name: str, **params):
        request = self.requests.get("/api/v1/parcels/", params)
        force_authenticate(request, self.user)
        answer = self.views[name](request)
        if hasattr(answer, "render"):
            answer.render()
        if answer.status_code != 200:
            raise RuntimeError(f"{name} {params}: {answer.status_code} {answer.content[:200]}")
        return answer

    def get(self, name: str, **params) -> bytes:
        return self.answer(name, **params).content


def measure():
    town_year = towns.small_town(1)
    land.spread(town_year, ROWS)
    land.analyze()
    cache.clear()
    doors = Doors(towns.official(town_year.town))
    ids = list(Parcel.objects.order_by("pk").values_list("pk", flat=True)[DEEP - 1 : DEEP])
    cursor = Cursor(ids).text("cursor:parcels:")
    for text, ours, usual, after in (
        ("第一页", {}, {}, None),
        (f"第 {DEEP // PAGE + 1} 页", {"cursor": cursor}, {"page": DEEP // PAGE + 1}, ids[0]),
    ):
        jobs = [lambda ours=ours: doors.get("ours", **ours), lambda usual=usual: doors.get("usual", **usual)]
        if connection.vendor == "postgresql":
            jobs.append(lambda after=after: raw(town_year.town_id, after))
        found = rates(*jobs)
        floor = found[2] if len(found) > 2 else None
        met = found[0] >= 200 and found[0] >= 4 * found[1]
        yield Row(
            f"接口一页 {PAGE} 行（共 {ROWS:,} 行），{text}", found[0], "页/s", floor, "json_agg", found[1],
            "ModelSerializer", "≥ 200 页/s，≥ 4 × DRF", met,
        )  # fmt: skip


def raw(town: int, after) -> None:
    with connection.cursor() as cursor:
        cursor.execute(RAW, [town, str(after or "00000000-0000-0000-0000-000000000000")])
        cursor.fetchone()
