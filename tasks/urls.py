"""Pages of a town's year: /<town>/<year>/…"""

from django.urls import path

from tasks import pages
from tasks.views import acceptances, parcels
from tasks.views.what_if import what_if

urlpatterns = [
    path("", pages.home, name="dashboard"),
    path("<slug:town>/<int:year>/what-if/", what_if, name="what_if"),
    path("<slug:town>/<int:year>/parcels/", parcels.parcel_list, name="parcel_list"),
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
]
