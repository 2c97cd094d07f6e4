"""Receipt numbers (回执编号) such as XH-2024-XS-0007-K: town, year, division, running number, check letter."""

from farmland.places.models import Division
from tasks.models import Submission

# Where each initial begins among the characters of GB 2312 level 1, which stand in the order of their sounds
STARTS = (
    (0xB0A1, "A"), (0xB0C5, "B"), (0xB2C1, "C"), (0xB4EE, "D"), (0xB6EA, "E"), (0xB7A2, "F"), (0xB8C1, "G"),
    (0xB9FE, "H"), (0xBBF7, "J"), (0xBFA6, "K"), (0xC0AC, "L"), (0xC2E8, "M"), (0xC4C3, "N"), (0xC5B6, "O"),
    (0xC5BE, "P"), (0xC6DA, "Q"), (0xC8BB, "R"), (0xC8F6, "S"), (0xCBFA, "T"), (0xCDDA, "W"), (0xCEF4, "X"),
    (0xD1B9, "Y"), (0xD4D1, "Z"),
)  # fmt: skip
LEVEL_ONE = range(0xB0A1, 0xD7FA)
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXY"  # 23, a prime; no I and O, which read as 1 and 0


def initials(name: str) -> str:
    """The initials of the first two characters of a place: 双永村 → SY; a rare character is X, a digit stays."""
    return "".join(initial(letter) for letter in name[:2])


def initial(letter: str) -> str:
    if letter.isascii():
        return letter.upper() if letter.isalnum() else "X"
    data = letter.encode("gb2312", errors="ignore")
    number = int.from_bytes(data, "big")
    if len(data) != 2 or number not in LEVEL_ONE:
        return "X"
    return next(sound for start, sound in reversed(STARTS) if number >= start)


def check_letter(text: str) -> str:
    """A letter that changes when one sign is misread or two neighbours are swapped (weights prime to 23)."""
    signs = [sign for sign in text if sign != "-"]
    return LETTERS[sum(place * ord(sign) for place, sign in enumerate(signs, 1)) % len(LETTERS)]


def next_receipt(division: Division, year: int) -> str:
    """The next number of the town's year. Call under the town-year's lock."""
    town = division.town
    used = Submission.objects.filter(town=town, year=year).exclude(receipt="").values_list("receipt", flat=True)
    number = max((int(one.split("-")[3]) for one in used), default=0) + 1
    text = f"{initials(town.name)}-{year}-{initials(division.name)}-{number:04}"
    return f"{text}-{check_letter(text)}"


def is_receipt(text: str) -> bool:
    """Whether the check letter fits: a number read over the telephone."""
    head, _, letter = text.strip().upper().rpartition("-")
    return bool(head) and letter == check_letter(head)
