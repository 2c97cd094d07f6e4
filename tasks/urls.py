"""Pages of a town's year: /<town>/<year>/…"""

from django.urls import path

from tasks import pages
from tasks.views.what_if import what_if

urlpatterns = [
    path("", pages.home, name="dashboard"),
    path("<slug:town>/<int:year>/what-if/", what_if, name="what_if"),
]
