"""Small handlers for the tests of the queue."""

from farmland.jobs.registry import JobRefused, handler

ran: list[str] = []


@handler("test.note", title="记一笔")
def note(job):
    ran.append(job.args.get("word", ""))
    return {"word": job.args.get("word", "")}


@handler("test.refuse", title="不能做的事")
def refuse(job):
    raise JobRefused("第 7 行 [面积（亩）] 应大于 0，现为 -1。")


@handler("test.break", title="会出错的事")
def broken(job):
    ran.append("break")
    raise RuntimeError("boom")
