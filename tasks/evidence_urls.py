"""Addresses of 举证 and of the 手机页: /<town>/<year>/…"""

from django.urls import path

from tasks.views import evidence, issue_photos, phone

HERE = "<slug:town>/<int:year>"
urlpatterns = [
    path("phone-worker.js", phone.phone_worker, name="phone_worker"),
    path(f"{HERE}/parcels/<uuid:pk>/evidence/", evidence.parcel_evidence, name="parcel_evidence"),
    path(f"{HERE}/parcels/<uuid:pk>/evidence/add/", evidence.parcel_evidence_add, name="parcel_evidence_add"),
    path(f"{HERE}/parcels/<uuid:pk>/outcomes/", evidence.parcel_outcome, name="parcel_outcome"),
    path(f"{HERE}/parcels/<uuid:pk>/stage/", phone.parcel_stage, name="parcel_stage"),
    path(f"{HERE}/evidence/<uuid:pk>/shown/", evidence.evidence_shown, name="evidence_shown"),
    path(f"{HERE}/evidence/<uuid:pk>/thumbnail/", evidence.evidence_thumbnail, name="evidence_thumbnail"),
    path(f"{HERE}/evidence/<uuid:pk>/original/", evidence.evidence_original, name="evidence_original"),
    path(f"{HERE}/evidence/<uuid:pk>/withdraw/", evidence.evidence_withdraw, name="evidence_withdraw"),
    path(f"{HERE}/phone/", phone.phone_home, name="phone_home"),
    path(f"{HERE}/phone/issues/", issue_photos.phone_issues, name="phone_issues"),
    path(f"{HERE}/phone/issues/<uuid:pk>/", issue_photos.phone_issue, name="phone_issue"),
    path(f"{HERE}/phone/<uuid:pk>/", phone.phone_parcel, name="phone_parcel"),
]
