"""What may be done with an issue over REST: decide, done, accept, close, reopen; and the list of permit cases."""

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.response import Response

from farmland.lib.api.columns import Column, day, whole
from farmland.lib.api.fields import Body, DayField
from farmland.lib.api.filters import Filter, Id, Whole
from farmland.lib.api.lists import ListView
from farmland.places.api import Subtree, town_filter
from tasks.acceptance import Refused
from tasks.acceptance_api import JOB, refused
from tasks.api import TOWN, IssueList
from tasks.issues import MOVES, Decision, Moved, decide, move
from tasks.models import Issue, PermitCase, TownYear


class DecisionSerializer(Body):
    """整改方式的决定；与建议不同时须写理由，没有时限的须写复查日期。"""

    measure = serializers.CharField(max_length=40)
    reason = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=300)
    due_on = DayField(required=False, allow_null=True)
    review_on = DayField(required=False, allow_null=True)
    on = DayField(required=False, help_text="决定日期，不写为工作日期")
    version = serializers.IntegerField(required=False, min_value=1, help_text="读到的版本；已被别人改过时回 409")


class MoveSerializer(Body):
    """一步办理：日期、理由、读到的版本。"""

    on = DayField(required=False, help_text="办理日期，不写为工作日期；销号必须写")
    reason = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=300)
    version = serializers.IntegerField(required=False, min_value=1, help_text="读到的版本；已被别人改过时回 409")


class ClosingSerializer(MoveSerializer):
    on = DayField(help_text="销号日期")


class IssueDoor(IssueList):
    """Base of the moves: POST only; the answer is the issue as the list shows it, with the job that recomputes."""

    http_method_names = ("post", "options")
    added, successes = JOB, (200,)
    move = ""
    serializer = MoveSerializer

    def __init_subclass__(cls, **kwargs):
        cls.list_view = IssueList  # one row in the schema, not one per door
        super().__init_subclass__(**kwargs)

    def post(self, request, id):
        issue = self.found(request.user, id)
        if not request.user.can(MOVES[self.move].right, issue.division, issue.kind_id):
            raise exceptions.PermissionDenied
        serializer = self.serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            done = self.carry_out(issue, serializer.validated_data, request.user)
        except Refused as refusal:
            raise refused(refusal) from refusal
        (row,) = self.finished([self.one(request.user, str(issue.pk))])
        return Response(self.table.as_json(row) | {"job": str(done.job.pk) if done.job else None})

    def found(self, user, id) -> Issue:
        if self.one(user, id) is None:
            raise exceptions.NotFound
        return Issue.objects.select_related("town", "division", "kind").get(pk=id)

    def carry_out(self, issue: Issue, values: dict, user) -> Moved:
        on = values.get("on") or today_of(issue)
        return move(issue, self.move, by=user, on=on, reason=values.get("reason") or "", version=values.get("version"))


class IssueDecide(IssueDoor):
    move = "decide"
    serializer = DecisionSerializer

    @extend_schema(request=DecisionSerializer, summary="确定整改方式")
    def post(self, request, id):
        return super().post(request, id)

    def carry_out(self, issue, values, user):
        decision = Decision(
            measure=values["measure"],
            on=values.get("on") or today_of(issue),
            reason=values.get("reason") or "",
            due_on=values.get("due_on"),
            review_on=values.get("review_on"),
            version=values.get("version"),
        )
        return decide(issue, decision, by=user)


class IssueDone(IssueDoor):
    move = "done"

    @extend_schema(request=MoveSerializer, summary="登记完成整改")
    def post(self, request, id):
        return super().post(request, id)


class IssueAccept(IssueDoor):
    move = "accept"

    @extend_schema(request=MoveSerializer, summary="验收整改问题")
    def post(self, request, id):
        return super().post(request, id)


class IssueReturn(IssueDoor):
    move = "return"

    @extend_schema(request=MoveSerializer, summary="退回整改问题")
    def post(self, request, id):
        return super().post(request, id)


class IssueClose(IssueDoor):
    move = "close"
    serializer = ClosingSerializer

    @extend_schema(request=ClosingSerializer, summary="销号")
    def post(self, request, id):
        return super().post(request, id)


class IssueReopen(IssueDoor):
    move = "reopen"

    @extend_schema(request=MoveSerializer, summary="重新打开整改问题")
    def post(self, request, id):
        return super().post(request, id)


DOORS = (IssueDecide, IssueDone, IssueAccept, IssueReturn, IssueClose, IssueReopen)
paths = [path(f"issues/<str:id>/{door.move}/", door.as_view(), name=f"api_issues_{door.move}") for door in DOORS]


def today_of(issue: Issue):
    return TownYear.objects.get(town=issue.town_id, year=issue.year).today()


class PermitList(ListView):
    """外部审批：整改问题在其他部门办理的手续，文号、日期和结果。"""

    name = "permits"
    label = "外部审批"
    model = PermitCase
    columns = (
        TOWN,
        whole("year", "年度", "issue__year"),
        Column("issue", "整改问题（id）", "issue_id", kind="id"),
        Column("serial", "台账序号", "issue__serial"),
        Column("division", "行政区划代码", "issue__division__code"),
        Column("kind", "任务类型", "issue__kind_id"),
        Column("permit", "事项"),
        Column("authority", "办理单位"),
        Column("number", "文号或受理号"),
        day("applied_on", "申请日期"),
        day("decided_on", "办结日期"),
        Column("state", "结果", "outcome", help="pending 办理中，approved 已批准，refused 未批准"),
        Column("note", "说明"),
    )
    filters = (
        town_filter(),
        Whole("year", "年度", "issue__year"),
        Filter("kind", "任务类型", "issue__kind_id"),
        Subtree(source="issue__division"),
        Filter("state", "结果", "outcome"),
        Filter("permit", "事项"),
        Id("issue", "整改问题的 id", "issue_id"),
    )
    ordering = ("town", "applied_on", "decided_on", "state")
    default_ordering = ("town__slug", "applied_on")
