"""系统: the pages of lower rooms (users, audit trail, jobs) behind the door of the town's pages."""

from farmland.accounts import log, users
from farmland.jobs import views as jobs
from parcels.models import Kind
from tasks.models import TownYear
from tasks.pages import town_page

user_list = town_page(users.user_list, whole=True)
user_reset = town_page(users.user_reset, whole=True)
user_disable = town_page(users.user_disable, whole=True)
audit_list = town_page(log.audit_list, whole=True)
job_list = town_page(jobs.job_list, whole=True)


@town_page(whole=True)
def user_create(request, town_year: TownYear):
    kinds = list(Kind.objects.values_list("code", "name"))
    return users.user_create(request, town_year, kinds=kinds)
