"""Serializers and view of the endpoint, structured as in authentik."""

from django.urls import reverse
from rest_framework.fields import ReadOnlyField, SerializerMethodField
from rest_framework.serializers import ModelSerializer, Serializer
from rest_framework.viewsets import ModelViewSet

from sms.models import AuthenticatorSMSStage, Flow


class MetaNameSerializer(Serializer):
    """The names of an object's model, for the admin interface."""

    verbose_name = SerializerMethodField()
    verbose_name_plural = SerializerMethodField()
    meta_model_name = SerializerMethodField()

    def get_verbose_name(self, instance):
        return str(instance._meta.verbose_name)

    def get_verbose_name_plural(self, instance):
        return str(instance._meta.verbose_name_plural)

    def get_meta_model_name(self, instance):
        return f"{instance._meta.app_label}.{instance._meta.model_name}"


class FlowSetSerializer(ModelSerializer):
    background = ReadOnlyField()
    export_url = SerializerMethodField()

    def get_export_url(self, flow):
        return reverse("flow-export", kwargs={"slug": flow.slug})

    class Meta:
        model = Flow
        fields = [
            "pk",
            "policybindingmodel_ptr_id",
            "name",
            "slug",
            "title",
            "designation",
            "background",
            "policy_engine_mode",
            "compatibility_mode",
            "export_url",
            "layout",
            "denied_action",
        ]


class StageSerializer(ModelSerializer, MetaNameSerializer):
    component = SerializerMethodField()
    flow_set = FlowSetSerializer(many=True, required=False)

    def get_component(self, stage):
        return stage.component


class AuthenticatorSMSStageSerializer(StageSerializer):
    class Meta:
        model = AuthenticatorSMSStage
        fields = [
            "pk",
            "name",
            "component",
            "verbose_name",
            "verbose_name_plural",
            "meta_model_name",
            "flow_set",
            "configure_flow",
            "friendly_name",
            "provider",
            "from_number",
            "account_sid",
            "auth",
            "auth_password",
            "auth_type",
            "verify_only",
            "mapping",
        ]


class AuthenticatorSMSStageViewSet(ModelViewSet):
    queryset = AuthenticatorSMSStage.objects.all()
    serializer_class = AuthenticatorSMSStageSerializer
