"""The tables, normalised like authentik's: a stage and a flow are two rows each, joined by inheritance."""

from uuid import uuid4

from django.conf import settings
from django.db import models


class PolicyBindingModel(models.Model):
    class PolicyEngineMode(models.TextChoices):
        MODE_ALL = "all"
        MODE_ANY = "any"

    pbm_uuid = models.UUIDField(primary_key=True, editable=False, default=uuid4)
    policy_engine_mode = models.TextField(choices=PolicyEngineMode, default=PolicyEngineMode.MODE_ANY)


class Stage(models.Model):
    stage_uuid = models.UUIDField(primary_key=True, editable=False, default=uuid4)
    name = models.TextField(unique=True)


class Flow(PolicyBindingModel):
    class Designation(models.TextChoices):
        AUTHENTICATION = "authentication"
        AUTHORIZATION = "authorization"
        INVALIDATION = "invalidation"
        ENROLLMENT = "enrollment"
        UNENROLLMENT = "unenrollment"
        RECOVERY = "recovery"
        STAGE_CONFIGURATION = "stage_configuration"

    class Layout(models.TextChoices):
        STACKED = "stacked"
        CONTENT_LEFT = "content_left"
        CONTENT_RIGHT = "content_right"
        SIDEBAR_LEFT = "sidebar_left"
        SIDEBAR_RIGHT = "sidebar_right"

    class DeniedAction(models.TextChoices):
        MESSAGE_CONTINUE = "message_continue"
        MESSAGE = "message"
        CONTINUE = "continue"

    flow_uuid = models.UUIDField(primary_key=True, editable=False, default=uuid4)
    name = models.TextField()
    slug = models.SlugField(unique=True)
    title = models.TextField()
    designation = models.CharField(max_length=100, choices=Designation)
    background = models.TextField(default="/static/dist/assets/images/flow_background.jpg")
    compatibility_mode = models.BooleanField(default=False)
    layout = models.TextField(choices=Layout, default=Layout.STACKED)
    denied_action = models.TextField(choices=DeniedAction, default=DeniedAction.MESSAGE_CONTINUE)
    stages = models.ManyToManyField(Stage, through="FlowStageBinding")


class FlowStageBinding(models.Model):
    fsb_uuid = models.UUIDField(primary_key=True, editable=False, default=uuid4)
    target = models.ForeignKey(Flow, on_delete=models.CASCADE)
    stage = models.ForeignKey(Stage, on_delete=models.CASCADE)
    order = models.IntegerField()

    class Meta:
        ordering = ["target", "order"]
        unique_together = [("target", "stage", "order")]


class WebhookMapping(models.Model):
    pm_uuid = models.UUIDField(primary_key=True, editable=False, default=uuid4)
    name = models.TextField(unique=True)


class ConfigurableStage(models.Model):
    configure_flow = models.ForeignKey(Flow, on_delete=models.SET_NULL, null=True, blank=True)

    class Meta:
        abstract = True


class FriendlyNamedStage(models.Model):
    friendly_name = models.TextField(null=True)

    class Meta:
        abstract = True


class AuthenticatorSMSStage(ConfigurableStage, FriendlyNamedStage, Stage):
    class Provider(models.TextChoices):
        TWILIO = "twilio"
        GENERIC = "generic"

    class AuthType(models.TextChoices):
        BASIC = "basic"
        BEARER = "bearer"

    component = "ak-stage-authenticator-sms-form"

    provider = models.TextField(choices=Provider)
    from_number = models.TextField()
    account_sid = models.TextField()
    auth = models.TextField()
    auth_password = models.TextField(default="", blank=True)
    auth_type = models.TextField(choices=AuthType, default=AuthType.BASIC)
    verify_only = models.BooleanField(default=False)
    mapping = models.ForeignKey(WebhookMapping, null=True, blank=True, default=None, on_delete=models.SET_NULL)

    class Meta:
        verbose_name = "SMS Authenticator Setup Stage"
        verbose_name_plural = "SMS Authenticator Setup Stages"


class Token(models.Model):
    token_uuid = models.UUIDField(primary_key=True, editable=False, default=uuid4)
    key = models.TextField(unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    expires = models.DateTimeField(null=True, default=None)
