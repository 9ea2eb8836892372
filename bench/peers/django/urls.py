"""The paths of authentik's API that the endpoint needs: its own, and the one for `export_url`."""

from django.http import HttpResponseNotFound
from django.urls import include, path
from rest_framework.routers import SimpleRouter

from sms.api import AuthenticatorSMSStageViewSet

router = SimpleRouter()
router.register("stages/authenticator/sms", AuthenticatorSMSStageViewSet)

urlpatterns = [
    path("api/v3/", include(router.urls)),
    path("api/v3/flows/instances/<slug:slug>/export/", lambda *_, **__: HttpResponseNotFound(), name="flow-export"),
]
