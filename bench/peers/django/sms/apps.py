"""The app's configuration. Its label is that of authentik's app, because permissions and `meta_model_name` contain it."""

from django.apps import AppConfig


class SMSConfig(AppConfig):
    name = "sms"
    label = "authentik_stages_authenticator_sms"
    default_auto_field = "django.db.models.BigAutoField"
