"""Pages of a town's year: /<town>/<year>/…"""

from django.urls import path

from tasks import pages

urlpatterns = [
    path("", pages.home, name="dashboard"),
]
