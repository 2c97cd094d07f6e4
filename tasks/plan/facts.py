"""The closed vocabularies of plan files: facts that rules and rates may ask for, and words of red-line formulas.

A name that is not here is an error on loading, with its line. A town's own facts arrive as terms of the dictionary
"attribute". docs/plan-format.md lists them for writers.
"""

RULE_FACTS = {
    "state": "地面现状（字典 ground_state 的代码）",
    "on_pbf": "是否占永久基本农田（yes 或 no）",
    "pbf_mu": "永久基本农田面积（亩）",
    "ordinary_mu": "一般耕地面积（亩）",
    "cultivated_mu": "耕地面积（亩）",
    "area_mu": "图斑面积（亩）",
    "source": "线索来源（字典 source）",
    "problem_kind": "问题类型（字典 problem_kind）",
    "measure": "所填整改方式（字典 measure）",
    "project": "项目名称（文字）",
    "homestead": "是否宅基地（yes 或 no）",
    "key_project": "是否重点工程（yes 或 no）",
    "structure": "是否建构筑物（yes 或 no）",
    "hardened": "是否硬化（yes 或 no）",
    "occurred_on": "发生日期",
    "slope": "坡度（度）",
    "in_ecological_redline": "是否在生态保护红线内（yes 或 no）",
    "restorable": "能否恢复（yes 或 no）",
    "treatment": "处置类别（字典 treatment）",
    "kind": "任务类型",
    "finding": "核查结论（如 not_abandoned）",
    "intercroppable": "能否间作套作（yes 或 no）",
    "canopy_percent": "果树覆盖度（%）",
    "density_percent": "株数占合理株数的比例（%）",
}

RATE_FACTS = {
    "kind": "任务类型",
    "treatment": "处置类别",
    "measure": "整改方式",
    "finding": "核查结论",
    "crop": "作物",
    "season": "季节",
    "land_class": "地类",
    "division": "行政区划",
    "block": "连片地块",
    "payee": "收款人",
    "payee_kind": "收款人类型",
    "year": "年度",
    "on_list": "所在清单",
    "paid_by": "已享受的政策",
    "base": "计算面积（when 里用）",
    "share": "任务数（亩）",
    "counted": "计入面积（亩）",
    "met": "是否完成任务",
    "met_on_time": "是否按时完成任务",
    "declared_mu": "申报面积",
    "verified_mu": "核实面积",
    "gross_mu": "毛面积",
    "net_mu": "净面积",
    "planted_mu": "种植面积",
    "still_planted_mu": "当年持续种植面积",
    "evidenced_mu": "举证面积",
    "accepted_mu": "按指标计入层级认定的面积",
    "village_mu": "村级自验面积",
    "town_mu": "镇级验收面积",
    "county_mu": "区县级认定面积",
    "county_net_mu": "区县级认定的净面积",
    "city_mu": "市级认定面积",
    "city_net_mu": "市级认定的净面积",
    "ready_mu": "达到开工条件的面积",
    "database_mu": "上图入库面积",
    "contiguous_mu": "连片面积",
    "contract_mu": "承包合同面积",
    "slope": "坡度（度）",
    "density": "密度",
    "kept": "是否持续管护",
    "failed_by_neglect": "是否因管理不善失败",
    "second_year_planted": "第二年是否种植",
    "invoiced": "发票金额",
    "allotted": "下达资金",
    "province_used": "省级资金已用",
}


def rate_facts(dictionary) -> set[str]:
    """The facts rates may ask for: those above, the town's own, and the area accepted at every level it knows."""
    levels = dictionary.codes("level")
    areas = {f"{level}{net}_mu" for level in levels for net in ("", "_net")}
    return {*RATE_FACTS, *areas, *dictionary.codes("attribute")}


GUARDS = {  # what is looked at before money goes out (guards of a rate)
    "abandoned": "核查为未撂荒",
    "one_subsidy": "同一地块已享受同组的其他补助（一地一补）",
    "once": "同一地块已享受过这项一次性补助",
    "overlap": "与另一块也在补助的图斑重叠",
    "last_year": "上年已整治并认定的图斑",
    "within_parcel": "认定面积超过图斑面积",
    "within_accepted": "申报面积超过认定面积",
    "accepted": "还没有验收认定",
    "two_versions": "验收跨了标准的两个版本",
}
SEVERITIES = ("block", "warn", "off")

FORMULA_WORDS = {
    "现状": "调查日的现状面积（survey）",
    "扣除": "扣除数（deduction）",
    "流出": "流出数（outflow）",
    "流入": "流入数（inflow）",
    "结转": "结转数（carry）",
    "调剂": "调剂数（offset）",
    "更正": "更正数（correction）",
    "不可整改": "不可整改数（blocked）",
    "隐患": "有隐患的面积（at_risk）",
    "新增认定": "调查日以后认定、计入本线的面积（feeds）",
    "已认定": "本任务已认定的面积",
    "问题数": "台账问题个数",
    "已销号": "已销号个数",
}

THEN_KEYS = {
    "measure": "建议的整改方式（字典 measure 的代码）",
    "due": "时限（照原文）",
    "by": "由谁做",
    "needs": "需要的材料或条件（列表）",
    "warn": "提醒（文字）",
    "refuse": "不允许的理由（文字）",
    "require": "验收时要量的条件（列表，全部达到），用于 standard",
    "either": "名称相同的几条标准，达到其中一条即可",
}
