"""Every REST address: the lists and doors of the apps, the schema and its page, and a JSON 404 for all else."""

from django.urls import include, path, re_path
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from farmland.jobs.api import JobList
from farmland.lib.api.handler import NoSuchAddress
from farmland.lib.api.lists import list_paths
from farmland.places.api import DivisionList
from parcels.api import ParcelList
from parcels.inspection_api import InspectionItemList, InspectionList
from parcels.proposal_api import ProposalList
from subsidies.api import ProgramList, RateList
from subsidies.claiming.claim_api import ClaimDoor
from subsidies.claiming.claim_api import paths as claim_paths
from subsidies.claiming.forecast_api import ForecastList
from subsidies.paying.money_api import BatchList, EntitlementList
from subsidies.paying.paid_api import FundList, PaymentList, PublicityList
from tasks.acceptance_api import AcceptanceDoor
from tasks.api import FindingList, IssueList, PlanList, ProgressList, RedLineList, TargetList, VillageTargetList
from tasks.clue_api import ClueDoor, ReferralList
from tasks.clue_api import paths as clue_paths
from tasks.evidence_api import EvidenceDoor
from tasks.evidence_api import paths as evidence_paths
from tasks.forms.api import FormDoor
from tasks.forms.api import paths as form_paths
from tasks.issue_api import PermitList
from tasks.issue_api import paths as issue_paths
from tasks.issue_photo_api import paths as issue_photo_paths
from tasks.land_api import paths as land_paths


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = "farmland.accounts.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema):
        text = "Authorization: Token <令牌>；令牌由 manage.py create_token 生成"
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": text}


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = "farmland.accounts.authentication.PageSession"
    name = "session"

    def get_security_definition(self, auto_schema):
        return {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": "网页登录的会话"}


class DocsPage(SpectacularSwaggerSplitView):
    """The schema as a page, all of it from this server."""

    url_name = "schema"
    template_name = "api/docs.html"


LISTS = [
    DivisionList, PlanList, TargetList, VillageTargetList, ProgressList, RedLineList, FindingList, ParcelList,
    IssueList, PermitList, ClueDoor, ReferralList, AcceptanceDoor, InspectionList, InspectionItemList, ProposalList,
    EvidenceDoor, FormDoor, ProgramList, RateList, EntitlementList, ClaimDoor, ForecastList, BatchList,
    PublicityList, PaymentList, FundList, JobList,
]  # fmt: skip
v1 = (
    land_paths
    + form_paths
    + issue_paths
    + issue_photo_paths
    + evidence_paths
    + clue_paths
    + claim_paths
    + [one for view in LISTS for one in list_paths(view)]
)

urlpatterns = [
    path("v1/", include(v1)),
    path("schema/", SpectacularJSONAPIView.as_view(), name="schema"),
    path("docs/", DocsPage.as_view(), name="api_docs"),
    re_path(r"^(?:.*/)?$", NoSuchAddress.as_view()),
]
