"""C10 to C14 on ledgers of a few rows."""

import pytest

from tests.tasks.small_plans import ledger, remarks


def test_several_codes_in_one_cell_are_noted():
    (found,) = remarks("C10", ledger("codes: '26966、26947'"))
    assert (found.severity, found.place, found.computed) == ("note", "附件2 第1行", "2 个编号")


def test_a_code_of_another_county_is_doubted():
    (found,) = remarks(
        "C10", ledger("codes: 53012204SC01", "codes: 53019904SC01", "codes: CL5301990001", "codes: 123")
    )
    assert (found.severity, found.place) == ("warning", "附件2 第1行·53012204SC01")
    assert "530199" in found.computed


def test_the_plan_may_name_the_beginnings_it_accepts():
    text = ledger("codes: 53012204SC01", more=", code_prefixes: ['530199', '530122']")
    assert not remarks("C10", text)


def test_a_code_written_unlike_all_others_of_its_sort_is_doubted():
    rows = [f"codes: 530199SC0{number}-G2" for number in range(101, 105)]
    found = remarks("C10", ledger(*rows, "codes: 530199SC0105-GG", "codes: 530199SC015G2", "codes: CL5301991"))
    assert [one.place for one in found] == ["附件2 第5行·530199SC0105-GG", "附件2 第6行·530199SC015G2"]


def test_a_code_listed_twice_is_doubted_in_both_rows():
    found = remarks("C10", ledger("codes: 53019901", "codes: ５３０１９９０１", "codes: 53019902"))
    assert [one.place for one in found] == ["附件2 第1行·53019901", "附件2 第2行·53019901"]


@pytest.mark.parametrize(
    ("location", "responsible", "count"),
    [
        pytest.param("松村三组", "柳村", 1, id="another village"),
        pytest.param("柳村一组", "柳村", 0, id="its own"),
        pytest.param("柳树村十四组", "柳村", 0, id="under another name"),
        pytest.param("清溪镇柳村", "柳村", 0, id="with the town before it"),
        pytest.param("二号沟", "柳村", 0, id="no village named"),
        pytest.param("柳村", "各村", 0, id="no village responsible"),
    ],
)
def test_a_parcel_lies_in_the_village_that_answers_for_it(location, responsible, count):
    assert len(remarks("C11", ledger(f"location: {location}, responsible: {responsible}"))) == count


def measured(pbf: str, kind: str, measure: str) -> str:
    return ledger(f"pbf: '{pbf}', cultivated: '2', area: '2', problem_kind: {kind}, measure: {measure}, use: road")


@pytest.mark.parametrize(
    ("cells", "rules"),
    [
        pytest.param(("1.5", "“非粮化”问题", "编制进出平横方案"), {"C12"}, id="balance on pbf, misspelt"),
        pytest.param(("0", "“非粮化”问题", "编制进出平衡方案"), set(), id="balance on ordinary land"),
        pytest.param(("/", "“非粮化”问题", "编制进出平衡方案"), set(), id="pbf unknown"),
        pytest.param(("0", "非粮化", "办理农转用手续"), {"C14"}, id="conversion for a grain problem"),
        pytest.param(("0", "非农化", "办理农转用手续"), set(), id="conversion for a building"),
        pytest.param(("1", "非粮化", "办理农转用手续"), {"C12", "C14"}, id="both"),
        pytest.param(("1", "非粮化", "没听说过的办法"), set(), id="unknown measure"),
        pytest.param(("1", "非粮化", "拆除复耕"), set(), id="restored"),
    ],
)
def test_measures_are_held_against_land_and_problem_by_rows_of_the_dictionary(cells, rules):
    text = measured(*cells)
    assert {rule for rule in ("C12", "C14") if remarks(rule, text)} == rules


def test_a_warning_row_of_the_plan_speaks_in_place_of_the_dictionary():
    own = """
rules:
  - {key: w, purpose: warning, when: [[on_pbf, "=", "yes"], [measure, "=", in_out_balance]],
     then: {warn: 须报县局}, basis: 县局通知, clause: 三}
"""
    (found,) = remarks("C12", measured("1", "非粮化", "编制进出平衡方案") + own)
    assert found.computed == "须报县局"
    assert "依据：县局通知" in found.message


def test_a_measure_row_that_looks_at_pbf_contradicts_another_measure():
    own = """
rules:
  - {key: m, purpose: measure, when: [[on_pbf, "=", "yes"], [state, "=", road]], then: {measure: restore}, clause: 三}
"""
    (found,) = remarks("C12", measured("1", "非农化", "拆除复耕") + own)
    assert found.computed == "按方案的处置规则应“复耕”"
    assert not remarks("C12", measured("1", "非农化", "复耕") + own)


def test_what_the_plan_excludes_should_not_be_listed():
    text = ledger(
        "project: 旧宅基地改建",
        "project: 非宅基地厂房",
        "project: 道路",
        more=", excluded: [宅基地], excluded_clause: 四（五）",
    )
    (found,) = remarks("C13", text)
    assert (found.severity, found.place) == ("warning", "附件2 第1行")
    assert "四（五）写明宅基地除外" in found.message
