"""演示: what rests on anything invented is invented too, and invented money and real money never meet in a batch.

So the demo can go whole, also from under the triggers that freeze real money, and nobody pays for land that is not.
"""

from django.db.models import Q

from farmland.accounts.models import User
from farmland.lib.refused import Refused
from farmland.places.models import Division
from parcels.models import Step, Work

# a demo user's row about a division and perhaps a parcel, or one about invented land
INVENTED = Q(is_demo=True) | Q(parcel__is_demo=True) | Q(division__is_demo=True)


def works_of(town: Division, year: int) -> set[str]:
    """The ids of a town's works of a plan year that are invented, on invented land, or rest on invented steps."""
    works = Work.objects.filter(INVENTED, town=town, year=year).values_list("pk", flat=True)
    stepped = Step.objects.filter(is_demo=True, town=town, work__year=year).values_list("work", flat=True)
    return {str(pk) for pk in (*works, *stepped.order_by().distinct())}


def check_hand(by: User, is_demo: bool, what: str) -> None:
    """A demo user, whose password is known to all, keeps off real money."""
    if by.is_demo and not is_demo:
        raise Refused(f"演示用户不能办理正式的{what}，请用本人的账号登录。", code="demo")
