"""``acceptances/``: the list of the land, and the door through which new rows come in."""

import uuid
from decimal import Decimal

from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.response import Response

from farmland.lib.api.errors import wrong_parameter
from farmland.lib.api.fields import Body, DayField, PlainDecimalField
from farmland.lib.api.http import idempotency_key
from farmland.lib.api.parameters import check_names
from farmland.lib.numbers import plain
from farmland.places.models import Division
from parcels.api import AcceptanceList
from parcels.models import Kind, Parcel, Step
from tasks.acceptance import Refused, Wish, accept, reverse
from tasks.models import TownYear

JOB = {"job": serializers.CharField(allow_null=True, help_text="重算作业的 id，进度见 jobs/{id}/；没有变化为空")}
STATUSES = {
    "closed": status.HTTP_409_CONFLICT,
    "conflict": status.HTTP_409_CONFLICT,
    "key_reused": status.HTTP_422_UNPROCESSABLE_ENTITY,
}


class AcceptanceSerializer(Body):
    """What a caller sends. A reversal names the row it ``reverses`` and a negative area (none: all that is left)."""

    may_come_back = frozenset({"id", "updated_at", "division_name", "clause", "job"})

    town = serializers.SlugField(required=False)
    year = serializers.IntegerField(required=False, min_value=2000, max_value=2100)
    kind = serializers.CharField(required=False, max_length=40)
    division = serializers.CharField(required=False, allow_null=True, max_length=30)
    parcel = serializers.UUIDField(required=False, allow_null=True)
    tranche = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=40)
    level = serializers.CharField(required=False, max_length=20)
    accepted_mu = PlainDecimalField(required=False, allow_null=True, max_digits=12, decimal_places=4)
    declared_mu = PlainDecimalField(
        required=False, allow_null=True, max_digits=12, decimal_places=4, min_value=Decimal(0)
    )
    verdict = serializers.ChoiceField(["passed", "partial", "returned", "revoked"], default="passed")
    reason = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=300)
    accepted_on = DayField()
    reverses = serializers.UUIDField(required=False, allow_null=True)

    def validate(self, values):
        if not values.get("reverses"):
            if values["verdict"] == "revoked":
                message = "冲销须在 reverses 写明所冲的记录；登记验收的结论为 passed、partial 或 returned。"
                raise serializers.ValidationError({"verdict": message}, code="invalid")
            if values["verdict"] == "returned":  # a return adds no area, so none need be said
                values["accepted_mu"] = values.get("accepted_mu") or Decimal(0)
            missing = [name for name in ("town", "year", "kind", "level", "accepted_mu") if values.get(name) is None]
            if missing:
                raise serializers.ValidationError(dict.fromkeys(missing, "该字段是必填项。"), code="required")
        return values


class AcceptanceDoor(AcceptanceList):
    """验收：各层级认定的面积；冲销为负数行，指明所冲的行。登记后答复里的 job 是重算作业，进度见 jobs/{id}/。"""

    added = JOB
    is_keyed = True

    @extend_schema(request=AcceptanceSerializer, summary="登记验收或冲销")
    def post(self, request):
        check_names(request.query_params, [])
        serializer = AcceptanceSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        key = idempotency_key(request)
        try:
            done = (
                self._reverse(request.user, values, key)
                if values.get("reverses")
                else self._accept(request.user, values, key)
            )
        except Refused as refusal:
            raise refused(refusal) from refusal
        (row,) = self.finished([self.one(request.user, str(done.step.pk))])
        job = str(done.job.pk) if done.job else None
        code = status.HTTP_201_CREATED if done.job else status.HTTP_200_OK
        return Response(self.table.as_json(row) | {"job": job}, status=code)

    def _accept(self, user, values, key):
        town_year = TownYear.objects.visible_to(user).filter(town__slug=values["town"], year=values["year"]).first()
        if town_year is None:
            raise exceptions.NotFound
        kind = Kind.objects.filter(code=values["kind"]).first()
        if kind is None:
            raise wrong_parameter("kind", f"没有名为“{values['kind']}”的任务类型。")
        parcel = self._parcel(user, town_year, values.get("parcel"))
        if parcel:
            _check_same(values, {"division": parcel.division.code}, "图斑")
        division = parcel.division if parcel else self._division(user, town_year, values.get("division"))
        if not user.can("accept", division, kind.code):
            raise exceptions.PermissionDenied
        wish = Wish(
            division=division,
            kind=kind,
            level=values["level"],
            area=values["accepted_mu"],
            on=values["accepted_on"],
            verdict=values["verdict"],
            reason=values.get("reason") or "",
            parcel=parcel,
            tranche=values.get("tranche") or "",
            declared=values.get("declared_mu"),
            key=key,
        )
        return accept(town_year, wish, by=user)

    def _reverse(self, user, values, key):
        step = Step.objects.visible_to(user).acceptances().filter(pk=values["reverses"]).first()
        if step is None:
            raise exceptions.NotFound
        if not user.can("accept", step.work.division, step.work.kind_id):
            raise exceptions.PermissionDenied
        area = values.get("accepted_mu")
        if area is not None and area >= 0:
            raise wrong_parameter("accepted_mu", f"冲销的面积应为负数，现为 {plain(area)}。")
        _check_same(values, _own(step), "所冲的记录")
        reason = values.get("reason") or ""
        on = values["accepted_on"]
        return reverse(step, by=user, reason=reason, on=on, area=None if area is None else -area, key=key)

    def _division(self, user, town_year: TownYear, code: str | None) -> Division:
        inside = Division.objects.visible_to(user).filter(town=town_year.town)
        found = inside.filter(code=code).first() if code else inside.filter(pk=town_year.town_id).first()
        if found is None:
            raise exceptions.NotFound
        return found

    def _parcel(self, user, town_year: TownYear, pk: uuid.UUID | None) -> Parcel | None:
        if pk is None:
            return None
        found = Parcel.objects.visible_to(user).filter(pk=pk, town=town_year.town).first()
        if found is None:
            raise exceptions.NotFound
        return found


def _own(step: Step) -> dict:
    work = step.work
    return {
        "town": work.town.slug, "year": work.year, "kind": work.kind_id, "division": work.division.code,
        "parcel": work.parcel_id, "tranche": work.tranche, "level": step.rung.level,
    }  # fmt: skip


def _check_same(values: dict, own: dict, what: str) -> None:
    """What a caller states besides must be the row's own: a contradiction is not guessed away."""
    for name, value in own.items():
        stated = values.get(name)
        if stated not in (None, "") and stated != value:
            raise wrong_parameter(name, f"与{what}不符：{what}为“{value or '无'}”，现写“{stated}”，请核对。")


def refused(refusal: Refused) -> exceptions.APIException:
    """A refusal of the service as an answer: 403 for the person, else by its code, else 400."""
    if refusal.code == "same_person":
        return exceptions.PermissionDenied(refusal.message, code=refusal.code)
    if refusal.code in STATUSES:
        ids = f"（id：{'、'.join(refusal.rows)}）" if refusal.rows else ""
        answer = exceptions.APIException(f"{refusal.message}{ids}", code=refusal.code)
        answer.status_code = STATUSES[refusal.code]
        return answer
    return wrong_parameter(refusal.field or "non_field_errors", refusal.message, refusal.code)
