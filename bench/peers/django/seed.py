"""Creates the tables, and loads the fixture of the conformance cases: `python seed.py FIXTURE.json`."""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from django.contrib.auth.models import Permission, User  # noqa: E402 (settings first)
from django.core.management import call_command  # noqa: E402
from sms.models import AuthenticatorSMSStage, Flow, FlowStageBinding, Token, WebhookMapping  # noqa: E402

# The model's column for a document's key, if the names differ.
COLUMNS = {"configure_flow": "configure_flow_id", "mapping": "mapping_id", "policybindingmodel_ptr_id": "pbm_uuid"}
NO_COLUMNS = {"component", "verbose_name", "verbose_name_plural", "meta_model_name", "export_url", "flow_set"}


def columns(document, key):
    names = COLUMNS | {"pk": key}
    return {names.get(field, field): value for field, value in document.items() if field not in NO_COLUMNS}


def seed(fixture):
    for flow in fixture["flows"]:
        Flow.objects.create(**columns(flow, "flow_uuid"))
    for mapping in fixture["mappings"]:
        WebhookMapping.objects.create(**columns(mapping, "pm_uuid"))
    for stage in fixture["stages"]:
        created = AuthenticatorSMSStage.objects.create(**columns(stage, "stage_uuid"))
        for order, flow in enumerate(stage["flow_set"]):
            FlowStageBinding.objects.create(target_id=flow["pk"], stage=created, order=order)
    for token in fixture["tokens"]:
        user, _ = User.objects.get_or_create(username=token["user"])
        for codename in token["permissions"]:
            user.user_permissions.add(Permission.objects.get(codename=codename.partition(".")[2]))
        Token.objects.create(key=token["key"], user=user, expires=token["expires"])


# Django's own tables first: the app's tables refer to them, and are created without migrations.
call_command("migrate", verbosity=0)
call_command("migrate", run_syncdb=True, verbosity=0)
with open(sys.argv[1], encoding="utf-8") as file:
    seed(json.load(file))
