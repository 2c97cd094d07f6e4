"""Pages of a town's year: /<town>/<year>/…"""

from django.urls import path

from tasks import pages
from tasks.views import (
    acceptances,
    clues,
    issue_detail,
    issue_entry,
    issue_ledgers,
    parcel_columns,
    parcel_imports,
    parcels,
    referrals,
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
    path(f"{YEAR}issues/new/", issue_entry.issue_create, name="issue_create"),
    path(f"{YEAR}issues/bulk/", issue_entry.issue_bulk, name="issue_bulk"),
    path(f"{YEAR}issues/ledger.xlsx", issue_ledgers.ledger_export, name="ledger_export"),
    path(f"{YEAR}issues/import/", issue_ledgers.ledger_import, name="ledger_import"),
    path(f"{YEAR}issues/import/<uuid:pk>/", issue_ledgers.ledger_import_preview, name="ledger_import_preview"),
    path(f"{YEAR}issues/import/<uuid:pk>/confirm/", issue_ledgers.ledger_import_confirm, name="ledger_import_confirm"),
    path(f"{YEAR}issues/<uuid:pk>/", issue_detail.issue_detail, name="issue_detail"),
    path(f"{YEAR}issues/<uuid:pk>/edit/", issue_entry.issue_edit, name="issue_edit"),
    path(f"{YEAR}issues/<uuid:pk>/decide/", issue_detail.issue_decide, name="issue_decide"),
    path(f"{YEAR}issues/<uuid:pk>/done/", issue_detail.issue_done, name="issue_done"),
    path(f"{YEAR}issues/<uuid:pk>/accept/", issue_detail.issue_accept, name="issue_accept"),
    path(f"{YEAR}issues/<uuid:pk>/return/", issue_detail.issue_return, name="issue_return"),
    path(f"{YEAR}issues/<uuid:pk>/close/", issue_detail.issue_close, name="issue_close"),
    path(f"{YEAR}issues/<uuid:pk>/reopen/", issue_detail.issue_reopen, name="issue_reopen"),
    path(f"{YEAR}issues/<uuid:pk>/deliberation/", issue_detail.issue_deliberate, name="issue_deliberate"),
    path(f"{YEAR}issues/<uuid:pk>/permit/", issue_detail.issue_permit, name="issue_permit"),
    path(f"{YEAR}issues/permits/<uuid:pk>/", issue_detail.permit_settle, name="permit_settle"),
    path(f"{YEAR}patrol/", clues.patrol, name="patrol"),
    path(f"{YEAR}clues/", clues.clue_list, name="clue_list"),
    path(f"{YEAR}clues/<uuid:pk>/", clues.clue_detail, name="clue_detail"),
    path(f"{YEAR}clues/<uuid:pk>/dismiss/", clues.clue_dismiss, name="clue_dismiss"),
    path(f"{YEAR}clues/<uuid:pk>/duplicate/", clues.clue_duplicate, name="clue_duplicate"),
    path(f"{YEAR}referrals/", referrals.referral_list, name="referral_list"),
    path(f"{YEAR}referrals/new/", referrals.referral_create, name="referral_create"),
    path(f"{YEAR}referrals/<uuid:pk>/answer/", referrals.referral_answer, name="referral_answer"),
    path("<slug:town>/<int:year>/users/", system.user_list, name="user_list"),
    path("<slug:town>/<int:year>/users/new/", system.user_create, name="user_create"),
    path("<slug:town>/<int:year>/users/<int:pk>/reset/", system.user_reset, name="user_reset"),
    path("<slug:town>/<int:year>/users/<int:pk>/disable/", system.user_disable, name="user_disable"),
    path("<slug:town>/<int:year>/log/", system.audit_list, name="audit_list"),
    path("<slug:town>/<int:year>/jobs/", system.job_list, name="job_list"),
]
