from django.urls import path

from tasks.forms import views

ROOT = "<slug:town>/<int:year>/forms/"

urlpatterns = [
    path(ROOT, views.form_home, name="form_home"),
    path(f"{ROOT}receipts/<uuid:pk>/", views.submission_detail, name="submission_detail"),
    path(f"{ROOT}receipts/<uuid:pk>/take-back/", views.submission_take_back, name="submission_take_back"),
    path(f"{ROOT}receipts/<uuid:pk>/progress/", views.submission_progress, name="submission_progress"),
    path(f"{ROOT}<str:code>/", views.form_division, name="form_division"),
    path(f"{ROOT}<str:code>/blank/", views.form_blank, name="form_blank"),
    path(f"{ROOT}<str:code>/upload/", views.form_upload, name="form_upload"),
    path(f"{ROOT}<str:code>/uploads/<uuid:pk>/", views.form_preview, name="form_preview"),
    path(f"{ROOT}<str:code>/uploads/<uuid:pk>/confirm/", views.form_confirm, name="form_confirm"),
]
