"""The photos and papers of an issue: its own, for land that no list of parcels names, beside those it has already."""

from django.db.models import Exists, OuterRef, Q

from farmland.accounts.models import User
from parcels.evidence_store import EvidenceRefused, add
from parcels.gallery import Gallery, gathered
from parcels.models import Evidence, Parcel
from tasks.issue_blocks import lineage_of
from tasks.models import Clue, Issue, TownYear


def keep(issue: Issue, file, *, by: User, key: str, **said) -> Evidence:
    """A photo or a paper of an issue: evidence without a parcel; the same key again is the same one.

    ``said`` is what ``evidence_store.add`` takes. Call outside a transaction; raises EvidenceRefused.
    """
    if TownYear.objects.filter(town=issue.town_id, year=issue.year, closed_on__isnull=False).exists():
        raise EvidenceRefused(f"{issue.town} {issue.year} 年已关账，不再收举证材料。", code="closed")
    found = add(file, division=issue.division, by=by, key=key, **said)
    if found.clues.exists() or found.issues.exclude(pk=issue.pk).exists():
        said = "这个编号已用于另一个问题或线索的照片，请为每张照片生成新的编号。"
        raise EvidenceRefused(said, field="Idempotency-Key", code="key_reused")
    issue.photos.add(found)
    return found


def gallery_of_issue(issue: Issue, parcels: list[Parcel], clues: list[Clue], user: User) -> Gallery:
    """Each once: the issue's own, also of the rows it was carried over from, its parcels', its clues' (``of_clue``).

    What is missing is said of all of them together, by the set of the issue's kind.
    """
    own = Issue.photos.through.objects.filter(issue__in=list(lineage_of(issue)))
    reported = Clue.photos.through.objects.filter(clue__in=clues)
    about = Q(parcel__in=parcels) | Q(pk__in=own.values("evidence")) | Q(pk__in=reported.values("evidence"))
    rows = Evidence.objects.visible_to(user).filter(about)
    found = gathered(rows.annotate(of_clue=Exists(reported.filter(evidence=OuterRef("pk")))), issue.town_id, user)
    found.require(issue.kind_id)
    for one in (*found.photos, *found.papers):
        one.is_of_parcel = one.parcel_id is not None  # it is looked after on the parcel's page
        if one.of_clue:
            one.words |= {"view": "巡查线索", "alt": "巡查线索照片"}
    return found
