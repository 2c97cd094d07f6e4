"""Background work of the money."""

from django.urls import reverse

from farmland.jobs.registry import JobRefused, handler
from farmland.lib.numbers import fixed
from subsidies.entitlements import calculations
from subsidies.models import Round
from subsidies.proof import auditing  # noqa: F401 - has a handler of its own


@handler(calculations.JOB, title="核算补助")
def compute_subsidies(job) -> dict:
    """One round; computed again it finds the same and takes the place of the one before."""
    round_ = Round.objects.select_related("program__plan", "town").filter(pk=job.args["round"]).first()
    if round_ is None:
        raise JobRefused("要核算的轮次已不存在，请刷新页面后重新发起。")
    made = calculations.make(round_, by=job.user, progress=job.progress, fence=job.fence)
    address = {"town": round_.town.slug, "year": round_.program.year, "pk": made.pk}
    text = f"{round_}：应补合计 {fixed(made.total)} 元，请看差异后决定是否采用。"
    return {"calculation": str(made.pk), "text": text, "url": reverse("calculation_detail", kwargs=address)}
