"""系统: the pages of lower rooms (users, audit trail, jobs) behind the door of the town's pages."""

from farmland.accounts import log, users
from farmland.context_processors import Shell
from farmland.jobs import views as jobs
from parcels.models import Kind
from tasks.models import TownYear
from tasks.pages import shell_of, town_page, visible_years
from tasks.views.log_words import tell

user_list = town_page(users.user_list, whole=True)
user_reset = town_page(users.user_reset, whole=True)
user_disable = town_page(users.user_disable, whole=True)
job_list = town_page(jobs.job_list, whole=True)


def job_detail(request, pk):
    """A job of a town is shown in the year it works on, else in the town's newest."""

    def shell(job):
        years = visible_years(request.user)
        own = [one for one in years if one.town_id == job.town_id]
        found = next((one for one in own if one.year == job.year), own[0] if own else None)
        return shell_of(found, years) if found else Shell(town_years=years)

    return jobs.job_detail(request, pk, shell=shell)


@town_page(whole=True)
def audit_list(request, town_year: TownYear):
    return log.audit_list(request, town_year, tell=lambda events: tell(events, town_year, request.user))


@town_page(whole=True)
def user_create(request, town_year: TownYear):
    kinds = list(Kind.objects.values_list("code", "name"))
    return users.user_create(request, town_year, kinds=kinds)
