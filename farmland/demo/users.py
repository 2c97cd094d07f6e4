"""The demo logins of contract §6: one password for all, made at first start and kept 0600 in FARMLAND_VAR."""

import os
import secrets
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.hashers import make_password

from farmland.accounts.models import Grant, User
from farmland.places.models import Division, Office


@dataclass(frozen=True)
class Login:
    """``place`` is a town's slug, a county's code, or a village of the town before the slash: "xihe/新四村"."""

    username: str
    name: str
    role: str
    place: str = ""
    office: str = ""
    kinds: tuple[str, ...] = ()


LOGINS = [
    Login("admin", "系统管理员", "administrator"),
    Login("district", "铜梁区耕保专班", "district", "500151"),
    Login("shiyu", "石鱼镇专班办公室", "official", "shiyu"),
    Login("beicheng", "北呈乡专班办公室", "official", "beicheng"),
    Login("xihe", "西河镇专班办公室", "official", "xihe"),
    Login("erong", "峨溶镇专班办公室", "official", "erong"),
    Login("erping", "二坪镇专班办公室", "official", "erping"),
    Login("xihe-leader", "西河镇分管领导", "leader", "xihe"),
    Login("xihe-finance", "西河镇财政", "finance", "xihe"),
    Login("xihe-discipline", "西河镇纪委", "discipline", "xihe"),
    Login(
        "xihe-agri", "西河镇产业发展服务中心", "lead_office", "xihe", "产业发展服务中心",
        ("abandonment", "restructure", "reforestation"),
    ),
    Login("xihe-xinsi", "新四村村委会", "village_head", "xihe/新四村"),
    Login("xihe-shuangyong", "双永村村委会", "village_head", "xihe/双永村"),
    Login("erong-longtangchong", "龙塘冲村村委会", "village_head", "erong/龙塘冲村"),
    Login("erping-shizi", "狮子村村委会", "village_head", "erping/狮子村"),
]  # fmt: skip


def demo_password() -> str:
    path = settings.VAR / "demo_password"
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    password = "-".join(secrets.token_hex(2) for _ in range(3))
    with os.fdopen(handle, "w") as file:
        file.write(password)
    return password


def make_users() -> dict[str, User]:
    """The demo users by name; one who exists keeps the password, a login whose place does not exist is left out."""
    password = make_password(demo_password())
    users = {}
    for login in LOGINS:
        place = find_place(login.place)
        if login.place and place is None:
            continue
        user, is_new = User.objects.get_or_create(
            username=login.username,
            defaults={
                "first_name": login.name,
                "password": password,
                "is_demo": True,
                "is_superuser": login.role == "administrator",
            },
        )
        if is_new and place is not None:
            _grant(user, login, place)
        users[login.username] = user
    return users


def _grant(user: User, login: Login, place: Division) -> None:
    office = None
    if login.office:
        offices = Office.objects.filter(division=place)
        office = next((one for one in offices if login.office in (one.name, *one.aliases)), None)
    Grant.objects.create(user=user, role=login.role, division=place, office=office, kinds=list(login.kinds))


def find_place(text: str) -> Division | None:
    town, _, village = text.partition("/")
    if not village:
        return (
            Division.objects.filter(slug=town).exclude(slug="").first() or Division.objects.filter(code=town).first()
        )
    return Division.objects.filter(parent__slug=town, name=village).first()
