"""Which parcels an issue is about: those under its codes. A row may name several, a parcel be named twice."""

from farmland.places.models import Division
from parcels.models import Listing
from tasks.models import Issue


def link_year(town: Division, year: int) -> None:
    """Tie the issues of a year to parcels that came in after them."""
    issues = [one for one in Issue.objects.of_year(town, year).only("pk", "codes") if one.codes]
    if issues:
        link_parcels(issues, town)


def link_parcels(issues: list[Issue], town: Division) -> None:
    """Tie issues to exactly the parcels of their codes; the caller has a transaction."""
    codes = {code for issue in issues for code in issue.codes}
    by_code: dict[str, set] = {}
    listed = Listing.objects.filter(town=town, code__in=codes, parcel__isnull=False)
    for code, parcel in listed.values_list("code", "parcel"):
        by_code.setdefault(code, set()).add(parcel)
    through = Issue.parcels.through
    stored = set(through.objects.filter(issue__in=issues).values_list("issue", "parcel"))
    wanted = {(issue.pk, parcel) for issue in issues for code in issue.codes for parcel in by_code.get(code, ())}
    new = [through(issue_id=issue, parcel_id=parcel) for issue, parcel in wanted - stored]
    through.objects.bulk_create(new, ignore_conflicts=True, batch_size=500)
    gone = stored - wanted
    if gone:
        for issue in {issue for issue, _ in gone}:
            parcels = [parcel for one, parcel in gone if one == issue]
            through.objects.filter(issue=issue, parcel__in=parcels).delete()
