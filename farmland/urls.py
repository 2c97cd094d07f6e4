"""Every address of the product; pages in Chinese, REST below /api/v1/."""

from django.urls import include, path

from farmland import dashboard, village
from farmland.health import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("api/", include("farmland.api")),
    path("", include("farmland.accounts.urls")),
    path("", include("tasks.urls")),
    path("", include("tasks.forms.urls")),
    path("", include("tasks.evidence_urls")),
    path("", include("subsidies.urls")),
    path("<slug:town>/<int:year>/", dashboard.dashboard_town, name="dashboard_town"),
    path("<slug:town>/<int:year>/villages/<str:code>/", village.village_detail, name="village_detail"),
]
