"""``issues/{id}/photos/``: photos and papers of an issue, also of one whose codes no list of parcels has."""

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions

from farmland.lib.api.http import idempotency_key
from farmland.lib.api.parameters import check_names
from parcels.evidence_store import EvidenceRefused
from tasks.evidence_api import EvidenceDoor, MaterialBody, MaterialUpload, file_of, refused, said_in
from tasks.issue_photos import keep
from tasks.models import Issue

NO_RIGHT = "您没有填报这个问题的权限，请由所在村的填报人提交。"


class IssuePhotos(EvidenceDoor):
    """整改问题自己的照片和材料，一个文件一次；有图斑的问题照旧用图斑的照片，不用重复上传。"""

    http_method_names = ("post", "options")
    list_view = EvidenceDoor

    @extend_schema(summary="上传整改问题的照片或材料", request={"multipart/form-data": MaterialUpload})
    def post(self, request, id):
        check_names(request.query_params, [])
        issues = Issue.objects.visible_to(request.user).select_related("town", "division__town")
        issue = issues.filter(pk=id).first()
        if issue is None:
            raise exceptions.NotFound
        if not request.user.can("report", issue.division, issue.kind_id):
            raise exceptions.PermissionDenied(NO_RIGHT, code="no_right")
        body = MaterialBody(data=request.data)
        body.is_valid(raise_exception=True)
        file, started = file_of(request), timezone.now()
        try:
            row = keep(issue, file, by=request.user, key=idempotency_key(request), **said_in(body.validated_data))
        except EvidenceRefused as refusal:
            raise refused(refusal) from refusal
        return self.answered(row, started)


paths = [path("issues/<uuid:id>/photos/", IssuePhotos.as_view(), name="api_issue_photos")]
