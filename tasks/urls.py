"""Pages of a town's year: /<town>/<year>/…"""

from django.urls import path

from tasks import pages
from tasks.views import (
    acceptances,
    issue_detail,
    parcel_columns,
    parcel_imports,
    parcel_map,
    parcel_sheet,
    parcels,
    system,
)
from tasks.views.findings import finding_waive, finding_withdraw, plan_check, plan_recheck
from tasks.views.issues import issue_list
from tasks.views.plan import plan_detail
from tasks.views.what_if import what_if

YEAR = "<slug:town>/<int:year>/"

urlpatterns = [
    path("", pages.home, name="dashboard"),
    path("<slug:town>/<int:year>/what-if/", what_if, name="what_if"),
    path("<slug:town>/<int:year>/parcels/", parcels.parcel_list, name="parcel_list"),
    path("<slug:town>/<int:year>/parcels/import/", parcel_imports.parcel_import, name="parcel_import"),
    path(
        "<slug:town>/<int:year>/parcels/import/template.xlsx",
        parcel_imports.parcel_import_template,
        name="parcel_import_template",
    ),
    path(
        "<slug:town>/<int:year>/parcels/import/<uuid:pk>/",
        parcel_imports.parcel_import_preview,
        name="parcel_import_preview",
    ),
    path(
        "<slug:town>/<int:year>/parcels/import/<uuid:pk>/confirm/",
        parcel_imports.parcel_import_confirm,
        name="parcel_import_confirm",
    ),
    path(
        f"{YEAR}parcels/import/<uuid:pk>/columns/", parcel_columns.parcel_import_columns, name="parcel_import_columns"
    ),
    path("<slug:town>/<int:year>/parcels/shapes.json", parcel_map.parcel_shapes, name="parcel_shapes"),
    path("<slug:town>/<int:year>/parcels/sheet/", parcel_sheet.parcel_sheet, name="parcel_sheet"),
    path("<slug:town>/<int:year>/parcels/<uuid:pk>/glance/", parcel_map.parcel_glance, name="parcel_glance"),
    path("<slug:town>/<int:year>/parcels/<uuid:pk>/", parcels.parcel_detail, name="parcel_detail"),
    path("<slug:town>/<int:year>/acceptances/", acceptances.acceptance_list, name="acceptance_list"),
    path("<slug:town>/<int:year>/acceptances/new/", acceptances.acceptance_create, name="acceptance_create"),
    path(
        "<slug:town>/<int:year>/acceptances/<uuid:pk>/reverse/",
        acceptances.acceptance_reverse,
        name="acceptance_reverse",
    ),
    path(
        "<slug:town>/<int:year>/acceptances/<uuid:pk>/figure/",
        acceptances.acceptance_figure,
        name="acceptance_figure",
    ),
    path("<slug:town>/<int:year>/plan/", plan_detail, name="plan_detail"),
    path("<slug:town>/<int:year>/plan/check/", plan_check, name="plan_check"),
    path("<slug:town>/<int:year>/plan/check/run/", plan_recheck, name="plan_recheck"),
    path("<slug:town>/<int:year>/plan/check/waive/", finding_waive, name="finding_waive"),
    path("<slug:town>/<int:year>/plan/check/<uuid:pk>/withdraw/", finding_withdraw, name="finding_withdraw"),
    path("<slug:town>/<int:year>/issues/", issue_list, name="issue_list"),
    path(f"{YEAR}issues/<uuid:pk>/", issue_detail.issue_detail, name="issue_detail"),
    path(f"{YEAR}issues/<uuid:pk>/decide/", issue_detail.issue_decide, name="issue_decide"),
    path(f"{YEAR}issues/<uuid:pk>/done/", issue_detail.issue_done, name="issue_done"),
    path(f"{YEAR}issues/<uuid:pk>/accept/", issue_detail.issue_accept, name="issue_accept"),
    path(f"{YEAR}issues/<uuid:pk>/return/", issue_detail.issue_return, name="issue_return"),
    path(f"{YEAR}issues/<uuid:pk>/close/", issue_detail.issue_close, name="issue_close"),
    path(f"{YEAR}issues/<uuid:pk>/reopen/", issue_detail.issue_reopen, name="issue_reopen"),
    path(f"{YEAR}issues/<uuid:pk>/deliberation/", issue_detail.issue_deliberate, name="issue_deliberate"),
    path(f"{YEAR}issues/<uuid:pk>/permit/", issue_detail.issue_permit, name="issue_permit"),
    path(f"{YEAR}issues/permits/<uuid:pk>/", issue_detail.permit_settle, name="permit_settle"),
    path("<slug:town>/<int:year>/users/", system.user_list, name="user_list"),
    path("<slug:town>/<int:year>/users/new/", system.user_create, name="user_create"),
    path("<slug:town>/<int:year>/users/<int:pk>/reset/", system.user_reset, name="user_reset"),
    path("<slug:town>/<int:year>/users/<int:pk>/disable/", system.user_disable, name="user_disable"),
    path("<slug:town>/<int:year>/log/", system.audit_list, name="audit_list"),
    path("<slug:town>/<int:year>/jobs/", system.job_list, name="job_list"),
]
