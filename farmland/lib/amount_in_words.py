"""大写金额: an amount written so that no figure can be added or turned (正确填写票据和结算凭证的基本规定)."""

from decimal import Decimal

DIGITS = "零壹贰叁肆伍陆柒捌玖"
PLACES = ("", "拾", "佰", "仟")
GROUPS = ("", "万", "亿", "万亿")
LARGEST = Decimal(10) ** 16


def amount_in_words(amount: Decimal) -> str:
    """125733 → 壹拾贰万伍仟柒佰叁拾叁元整; 16409.02 → 壹万陆仟肆佰零玖元零贰分; nothing → 零元整.

    整 after 元 and after 角, so that nothing can follow; ValueError beyond 分 and from 10^16 元 on.
    """
    if not isinstance(amount, Decimal):
        raise TypeError(f"an amount is a Decimal: {amount!r}")
    if not amount.is_finite() or abs(amount) >= LARGEST:
        raise ValueError(f"金额 {amount} 超出能大写的范围。")
    cents = abs(amount) * 100
    if cents != cents.to_integral_value():
        raise ValueError(f"金额 {amount} 不是整分，请先取到分。")
    yuan, rest = divmod(int(cents), 100)
    text = _yuan(yuan) + _cents(*divmod(rest, 10), bool(yuan))
    return ("负" if amount < 0 else "") + (text or "零元整")


def _yuan(number: int) -> str:
    groups = [number // 10_000**place % 10_000 for place in range(len(GROUPS))]
    text, gap = "", False
    for place in reversed(range(len(groups))):
        group = groups[place]
        if not group:
            gap = bool(text)
            continue
        if text and (gap or group < 1000):
            text += DIGITS[0]
        # 万亿 is 亿 counted in 万: a group of 亿 that follows brings the 亿 itself
        unit = "万" if place == 3 and groups[2] else GROUPS[place]
        text, gap = text + _group(group) + unit, False
    return f"{text}元" if text else ""


def _group(number: int) -> str:
    """1 to 9999: 1010 → 壹仟零壹拾."""
    text, gap = "", False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if digit:
            text += (DIGITS[0] if gap and text else "") + DIGITS[digit] + PLACES[place]
        gap = digit == 0
    return text


def _cents(ten: int, one: int, after_yuan: bool) -> str:
    if not ten and not one:
        return "整" if after_yuan else ""
    head = f"{DIGITS[ten]}角" if ten else ("零" if after_yuan else "")
    return head + (f"{DIGITS[one]}分" if one else "整")
