"""Sign in, sign out, change the password."""

from django.conf import settings
from django.contrib.auth import views
from django.shortcuts import redirect
from django.urls import reverse_lazy

from farmland.accounts.models import User


class SignIn(views.LoginView):
    """登录. Where demo users exist the page names them; their password stands in the terminal of ``make run``."""

    http_method_names = ("get", "head", "post", "options")
    template_name = "accounts/login.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs):
        return super().get_context_data(**kwargs) | {"demo_logins": demo_logins()}


class ChangePassword(views.PasswordChangeView):
    http_method_names = ("get", "head", "post", "options")
    template_name = "accounts/password_change.html"
    success_url = reverse_lazy("dashboard")

    def form_valid(self, form):
        answer = super().form_valid(form)
        user = self.request.user
        if user.must_change_password:
            user.must_change_password = False
            user.save(update_fields=["must_change_password"])
        return answer


def demo_logins() -> list[tuple[str, str]]:
    """The demo users and what they are, while demo data stand; else nothing."""
    if not (settings.VAR / "demo_password").exists():
        return []
    users = User.objects.filter(is_demo=True, is_active=True).order_by("pk")
    return [(user.username, user.get_full_name() or user.username) for user in users]


class MustChangePassword:
    """Whoever got a password from another person sets an own one before anything else."""

    OPEN = ("password_change", "logout")

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        user = request.user
        if user.is_authenticated and user.must_change_password and request.resolver_match.url_name not in self.OPEN:
            return redirect("password_change")
        return None
