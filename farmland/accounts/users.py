"""Users of one's own town (系统): who may sign in, as what, where; made, reset, disabled by name and on record.

Nobody gives or touches more than they hold themselves: a role counts by what it may do, a scope by its subtree.
The views take a town-year from the door of the town's pages (any object with ``town`` and ``year``).
"""

import secrets

from axes.utils import reset as unlock
from django import forms
from django.contrib import messages
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.db.models import Count, Prefetch, Q
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from farmland.accounts.models import ApiToken, Grant, User, record
from farmland.places.models import Division, Office, Term

PER_PAGE = 50
ABOVE_TOWNS = ("administrator", "district")  # roles that only the administrator gives
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is read as something else


def powers(user, town: Division) -> set[str]:
    """What the user may give others in the whole town: what their roles ``can`` do for every kind of task, and what
    these ``give`` without doing it themselves (a village's claim: who verifies it does not make it)."""
    terms = {term.code: term for term in Term.objects.filter(dictionary="role", town=None)}
    if user.is_superuser:
        return {action for term in terms.values() for action in _given(term)}
    grants = [one for one in user.current_grants if one.division.contains(town) and not one.kinds]
    return {action for one in grants if one.role in terms for action in _given(terms[one.role])}


def _given(term: Term) -> list[str]:
    return [*term.attrs.get("can", []), *term.attrs.get("gives", [])]


def roles_within(can: set[str]) -> list[Term]:
    """The roles that may do nothing beyond ``can``."""
    terms = Term.objects.filter(dictionary="role", town=None).exclude(code__in=ABOVE_TOWNS).order_by("order", "pk")
    return [term for term in terms if set(term.attrs.get("can", [])) <= can]


def users_of(actor, town: Division):
    """The users whose every grant lies in the town and in the actor's scope."""
    outside = Grant.objects.exclude(division__path__startswith=town.path).values("user")
    return User.objects.visible_to(actor).exclude(pk__in=outside).exclude(is_superuser=True)


class UserForm(forms.Form):
    """One user with one grant; more grants and other towns are the administrator's work."""

    username = forms.CharField(label="用户名", max_length=40, validators=[UnicodeUsernameValidator()])
    name = forms.CharField(label="姓名或岗位", max_length=40)
    role = forms.ChoiceField(label="角色")
    division = forms.ModelChoiceField(Division.objects.none(), label="范围", empty_label=None)
    office = forms.ModelChoiceField(Office.objects.none(), label="单位", required=False, empty_label="不指定")
    kinds = forms.MultipleChoiceField(label="限任务类型", required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args, actor, town: Division, kinds: list[tuple[str, str]], **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["username"].help_text = "字母、数字和 . - _，登录时用，定了不改。"
        self.fields["role"].choices = [(term.code, term.label) for term in roles_within(powers(actor, town))]
        inside = Division.objects.visible_to(actor).filter(path__startswith=town.path, valid_to=None).order_by("path")
        self.fields["division"].queryset = inside
        self.fields["division"].help_text = "只看、只填这个范围里的；村级填报人请选村。"
        self.fields["office"].queryset = Office.objects.filter(division=town)
        self.fields["kinds"].choices = kinds
        self.fields["kinds"].help_text = "都不选就是全部任务。"

    def clean_username(self):
        name = self.cleaned_data["username"].strip()
        if User.objects.filter(username__iexact=name).exists():
            raise forms.ValidationError(f"用户名“{name}”已经有人用，请换一个。")
        return name


# Writes


def one_time_password() -> str:
    """Twelve signs in three groups, easy to read out: shown once, to be changed at the first sign-in."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(3))


@transaction.atomic
def create_user(actor, town: Division, *, username, name, role, division, office=None, kinds=()) -> tuple[User, str]:
    """A user with one grant, and the one-time password. What a demo user makes goes with the demo data."""
    password = one_time_password()
    user = User(username=username, last_name=name, must_change_password=True, is_demo=actor.is_demo)
    user.set_password(password)
    user.save()
    Grant.objects.create(user=user, role=role, division=division, office=office, kinds=list(kinds))
    label = Term.objects.filter(dictionary="role", code=role, town=None).values_list("label", flat=True).first()
    after = {
        "name": name, "role": label or role, "division": f"{division}（{division.code}）",
        "office": office.name if office else None, "kinds": list(kinds),
    }  # fmt: skip
    record("新建用户", username, user=actor, town=town, after=after)
    return user, password


@transaction.atomic
def reset_password(actor, town: Division, user: User) -> str:
    """A new one-time password; every session of the user ends, and a lock after wrong passwords is lifted."""
    password = one_time_password()
    user.set_password(password)
    user.must_change_password = True
    user.save(update_fields=["password", "must_change_password"])
    unlock(username=user.username)
    record("重置密码", user.username, user=actor, town=town)
    return password


@transaction.atomic
def disable_user(actor, town: Division, user: User, reason: str = "") -> None:
    """Nobody signs in with it any more: sessions end with the password, tokens are deleted."""
    tokens, _ = ApiToken.objects.filter(user=user).delete()
    user.is_active = False
    user.set_unusable_password()
    user.save(update_fields=["is_active", "password"])
    record(
        "停用用户", user.username, user=actor, town=town, before={"active": True},
        after={"active": False, "tokens_deleted": tokens}, reason=reason,
    )  # fmt: skip


@transaction.atomic
def enable_user(actor, town: Division, user: User) -> str:
    """Back again, with a new one-time password."""
    password = one_time_password()
    user.is_active = True
    user.set_password(password)
    user.must_change_password = True
    user.save(update_fields=["is_active", "password", "must_change_password"])
    record("启用用户", user.username, user=actor, town=town, before={"active": False}, after={"active": True})
    return password


# Pages


def _manager(request, town_year) -> Division:
    """The town, where the user may manage its users; else 403."""
    if not request.user.can("manage_users", town_year.town):
        raise PermissionDenied
    return town_year.town


@require_safe
def user_list(request, town_year):
    town = _manager(request, town_year)
    grants = Prefetch("grants", Grant.objects.select_related("division", "office"))
    rows = users_of(request.user, town).annotate(token_count=Count("tokens", distinct=True)).prefetch_related(grants)
    search, state = request.GET.get("q", "").replace("\0", "").strip()[:40], request.GET.get("state", "")
    if search:
        rows = rows.filter(Q(username__icontains=search) | Q(last_name__icontains=search))
    if state in ("active", "disabled"):
        rows = rows.filter(is_active=state == "active")
    page = Paginator(rows.order_by("-is_active", "username"), PER_PAGE).get_page(request.GET.get("page"))
    terms = {term.code: term for term in Term.objects.filter(dictionary="role", town=None)}
    own = powers(request.user, town)
    for one in page.object_list:
        held = [terms[grant.role] for grant in one.grants.all() if grant.role in terms]
        one.role_names = "、".join(dict.fromkeys(term.label for term in held))
        reach = {action for term in held for action in term.attrs.get("can", [])}
        one.is_mine = one.pk != request.user.pk and reach <= own
    context = {"town_year": town_year, "page": page, "search": search, "state": state}
    return render(request, "accounts/user_list.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def user_create(request, town_year, *, kinds: list[tuple[str, str]]):
    town = _manager(request, town_year)
    form = UserForm(request.POST or None, actor=request.user, town=town, kinds=kinds)
    if request.method == "POST" and form.is_valid():
        try:
            user, password = create_user(request.user, town, **form.cleaned_data)
        except IntegrityError:  # two people took the same name at once
            form.add_error("username", "用户名刚被别人用了，请换一个。")
        else:
            return _password_page(request, town_year, user, password, "已新建")
    status = 400 if form.errors else 200
    return render(request, "accounts/user_create.html", {"town_year": town_year, "form": form}, status=status)


@never_cache
@require_POST
def user_reset(request, town_year, *, pk: int):
    town = _manager(request, town_year)
    user = _user(request, town, pk)
    if not user.is_active:
        raise PermissionDenied("停用的用户请先启用。")
    return _password_page(request, town_year, user, reset_password(request.user, town, user), "已重置")


@never_cache
@require_POST
def user_disable(request, town_year, *, pk: int):
    """Disables an active user, enables a disabled one: ``to`` says which, so that sending twice does it once."""
    town = _manager(request, town_year)
    user = _user(request, town, pk)
    wanted = request.POST.get("to") == "active"
    if wanted and not user.is_active:
        return _password_page(request, town_year, user, enable_user(request.user, town, user), "已启用")
    if not wanted and user.is_active:
        disable_user(request.user, town, user, request.POST.get("reason", "").strip())
        messages.success(request, f"“{user}”已停用：登录已退出，接口令牌已作废。")
    else:
        messages.info(request, f"“{user}”{'在用' if user.is_active else '已经停用'}，没有改动。")
    return redirect("user_list", town=town.slug, year=town_year.year)


def _user(request, town: Division, pk: int) -> User:
    """A user the actor may touch: of this town only, not oneself, holding nothing the actor does not hold; or 404."""
    user = users_of(request.user, town).filter(pk=pk).first()
    if user is None or user.pk == request.user.pk:
        raise Http404
    terms = {term.code: term for term in Term.objects.filter(dictionary="role", town=None)}
    held = {
        action for one in user.grants.all() if one.role in terms for action in terms[one.role].attrs.get("can", [])
    }
    if not held <= powers(request.user, town):
        raise Http404
    return user


def _password_page(request, town_year, user: User, password: str, done: str):
    terms = dict(Term.objects.filter(dictionary="role", town=None).values_list("code", "label"))
    grants = list(user.grants.select_related("division", "office"))
    for one in grants:
        one.role_name = terms.get(one.role, one.role)
    context = {"town_year": town_year, "person": user, "password": password, "done": done, "grants": grants}
    return render(request, "accounts/user_done.html", context)
