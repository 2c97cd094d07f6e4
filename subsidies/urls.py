"""Pages of the money: /<town>/<year>/subsidies/…, each room with its own list."""

from subsidies.views import calculations, rates, simulate

urlpatterns = [
    *simulate.urls,
    *rates.urls,
    *calculations.urls,
]
