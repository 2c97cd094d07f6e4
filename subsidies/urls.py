"""Pages of the money: /<town>/<year>/subsidies/…, each room with its own list."""

from subsidies.views import (
    audit,
    batch_acts,
    batch_files,
    batches,
    calculations,
    claim_acts,
    claim_files,
    claims,
    entitlements,
    funds,
    home,
    parcels,
    payees,
    rates,
    simulate,
    supplying,
)

urlpatterns = [
    *home.urls,
    *simulate.urls,
    *rates.urls,
    *calculations.urls,
    *supplying.urls,
    *claims.urls,
    *claim_acts.urls,
    *claim_files.urls,
    *entitlements.urls,
    *parcels.urls,
    *batches.urls,
    *funds.urls,
    *batch_acts.urls,
    *batch_files.urls,
    *audit.urls,
    *payees.urls,
]
