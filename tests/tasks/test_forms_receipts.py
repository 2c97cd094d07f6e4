"""Receipt numbers: readable, and a slip in writing one down is noticed."""

import pytest

from tasks.forms.receipts import LETTERS, check_letter, initials, is_receipt

PLACES = {"双永村": "SY", "新四村": "XS", "西河镇": "XH", "龙塘冲村": "LT", "峨溶镇": "ER", "演示一村": "YS"}


@pytest.mark.parametrize(("name", "short"), PLACES.items())
def test_places_are_shortened_to_their_initials(name, short):
    assert initials(name) == short


def test_a_misread_sign_and_swapped_neighbours_are_noticed():
    text = "XH-2024-SY-0007"
    whole = f"{text}-{check_letter(text)}"
    assert is_receipt(whole)
    assert is_receipt(f" {whole.lower()} ")
    for place in [at for at, sign in enumerate(text) if sign.isdigit()]:
        for digit in "0123456789":
            wrong = whole[:place] + digit + whole[place + 1 :]
            assert is_receipt(wrong) == (wrong == whole)
    assert not is_receipt(whole.replace("2024", "2042"))
    assert not any(sign in LETTERS for sign in "IOZ")
