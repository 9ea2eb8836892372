"""Authentication and permissions, as in authentik: tokens in a table, the permission to view stages as a filter, and the
permission to change a stage checked on the stage.
"""

from django.db.models import Q
from django.utils.timezone import now
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.filters import BaseFilterBackend
from rest_framework.permissions import DjangoObjectPermissions

from sms.models import Token


class TokenAuthentication(BaseAuthentication):
    def authenticate(self, request):
        scheme, space, key = get_authorization_header(request).decode().strip().partition(" ")
        if not space:
            return None
        if scheme.lower() != "bearer":
            raise AuthenticationFailed("Unsupported authentication type")
        not_expired = Q(expires=None) | Q(expires__gt=now())
        token = Token.objects.select_related("user").filter(not_expired, key=key).first()
        if token is None:
            raise AuthenticationFailed("Token invalid/expired")
        return token.user, token


class ObjectFilter(BaseFilterBackend):
    """Callers without the permission to view stages find none."""

    def filter_queryset(self, request, queryset, view):
        options = queryset.model._meta
        if request.user.has_perm(f"{options.app_label}.view_{options.model_name}"):
            return queryset
        return queryset.none()


class ObjectPermissions(DjangoObjectPermissions):
    def has_permission(self, request, view):
        # The permission for one object is checked in `has_object_permission`.
        return view.lookup_field in view.kwargs or super().has_permission(request, view)

    def has_object_permission(self, request, view, obj):
        permissions = self.get_required_object_permissions(request.method, type(obj))
        return request.user.has_perms(permissions)
