from django.urls import path

from farmland.jobs import views

urlpatterns = [path("jobs/<uuid:pk>/", views.job_detail, name="job_detail")]
