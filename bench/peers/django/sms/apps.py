"""Gives the app the label that authentik's has, since permissions and `meta_model_name` carry it."""

from django.apps import AppConfig


class SMSConfig(AppConfig):
    name = "sms"
    label = "authentik_stages_authenticator_sms"
    default_auto_field = "django.db.models.BigAutoField"
