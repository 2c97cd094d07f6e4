"""The list of background work, so that the ``job`` of another door's answer can be asked about until it is over."""

from farmland.jobs import registry
from farmland.jobs.models import Job
from farmland.lib.api.columns import Column, moment, whole
from farmland.lib.api.filters import Filter
from farmland.lib.api.lists import ListView
from farmland.places.api import town_filter


class JobList(ListView):
    """后台作业：其他接口返回的 job 就是这里的 id；隔一两秒再读，state 为 done 或 failed 时已结束。

    同一项作业还在排队时不另排一项，后来要它的人得到同一个 id，也能读。
    """

    name = "jobs"
    label = "后台作业"
    model = Job
    columns = (
        Column("town", "乡镇", "town__slug"),
        Column("kind", "类型"),
        Column("title", "名称", "kind", compute=registry.title),
        Column("state", "状态", help="queued 排队中，running 进行中，done 已完成，failed 未完成"),
        whole("progress_done", "已处理"),
        whole("progress_total", "总数", help="0 为还不知道"),
        Column("progress_text", "正在做什么"),
        Column("result", "结果", kind="data", help="结束前为空"),
        Column("result_text", "结果说明", ("kind", "result"), compute=registry.told),
        Column("error", "未完成的原因"),
        whole("attempts", "第几次"),
        moment("created_at", "发起"),
        moment("started_at", "开始"),
        moment("finished_at", "结束"),
    )
    filters = (town_filter(), Filter("kind", "类型"), Filter("state", "状态"))
    ordering = ("created_at", "town", "kind", "state")
    default_ordering = ("-created_at",)
