"""What both Python handlers know of a stage: how a body is checked, and what its item in the table looks like."""

import json
import re
import uuid

NOT_A_SLUG = 'Enter a valid "slug" consisting of letters, numbers, underscores or hyphens.'
NOT_A_STRING = "Not a valid string."
SLUG = re.compile(r"[-a-zA-Z0-9_]+")
SLUG_CHARACTERS_MAX = 50
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
TRUE = {"t", "y", "yes", "true", "on", "1"}
FALSE = {"f", "n", "no", "false", "off", "0"}
NULL = {"NULL": True}


class Invalid(Exception):
    """A value, or some of a body's, that may not be; `errors` is what the client is told."""

    def __init__(self, errors):
        super().__init__(errors)
        self.errors = errors


def wrong(message):
    return Invalid([message])


def not_null(value):
    if value is None:
        raise wrong("This field may not be null.")


def shown(value):
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def canonical_uuid(value):
    """The 36 characters of a UUID in lower case, or None."""
    return value.lower() if UUID.fullmatch(value) else None


def text(value, blank=False):
    not_null(value)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise wrong(NOT_A_STRING)
    trimmed = str(value).strip()
    if not trimmed and not blank:
        raise wrong("This field may not be blank.")
    if "\0" in trimmed:
        raise wrong("Null characters are not allowed.")
    return {"S": trimmed}


def nullable_text(value):
    return NULL if value is None else text(value)


def text_or_blank(value):
    return text(value, blank=True)


def slug(value):
    try:
        checked = text(value)
    except Invalid as invalid:
        raise wrong(NOT_A_SLUG) if invalid.errors == [NOT_A_STRING] else invalid from None
    errors = []
    if len(checked["S"]) > SLUG_CHARACTERS_MAX:
        errors.append(f"Ensure this field has no more than {SLUG_CHARACTERS_MAX} characters.")
    if not SLUG.fullmatch(checked["S"]):
        errors.append(NOT_A_SLUG)
    if errors:
        raise Invalid(errors)
    return checked


def choice(*words):
    def check(value):
        not_null(value)
        if value not in words:
            raise wrong(f'"{shown(value)}" is not a valid choice.')
        return {"S": value}

    return check


def boolean(value):
    not_null(value)
    if value in (True, False):  # and so 1, 0, 1.0 and 0.0
        return {"BOOL": bool(value)}
    word = value.lower() if isinstance(value, str) else None
    if word in TRUE or word in FALSE:
        return {"BOOL": word in TRUE}
    raise wrong("Must be a valid boolean.")


def reference(value):
    if value is None or value == "":
        return NULL
    if isinstance(value, bool):
        raise wrong("Incorrect type. Expected pk value, received bool.")
    if found := isinstance(value, str) and canonical_uuid(value):
        return {"S": found}
    raise wrong(f"“{shown(value)}” is not a valid UUID.")


FLOW_FIELDS = {
    "name": text,
    "slug": slug,
    "title": text,
    "designation": choice(
        "authentication",
        "authorization",
        "invalidation",
        "enrollment",
        "unenrollment",
        "recovery",
        "stage_configuration",
    ),
    "policy_engine_mode": choice("all", "any"),
    "compatibility_mode": boolean,
    "layout": choice("stacked", "content_left", "content_right", "sidebar_left", "sidebar_right"),
    "denied_action": choice("message_continue", "message", "continue"),
}
FLOW_FIELDS_REQUIRED = {"name", "slug", "title", "designation"}


def check_fields(fields, required, sent):
    """The attributes that an object sets; raises all that is wrong with it."""
    if not isinstance(sent, dict):
        message = f"Invalid data. Expected a dictionary, but got {type(sent).__name__}."
        raise Invalid({"non_field_errors": [message]})
    changes, errors = {}, {}
    for field, check in fields.items():
        if field in sent:
            try:
                changes[field] = check(sent[field])
            except Invalid as invalid:
                errors[field] = invalid.errors
        elif field in required:
            errors[field] = ["This field is required."]
    if errors:
        raise Invalid(errors)
    return changes


def check_flow(element, slugs):
    not_null(element)
    changes = check_fields(FLOW_FIELDS, FLOW_FIELDS_REQUIRED, element)
    if changes["slug"]["S"] in slugs:
        raise Invalid({"slug": ["Flow with this slug already exists."]})
    slugs.add(changes["slug"]["S"])
    return changes


def flow_set(value):
    not_null(value)
    if not isinstance(value, list):
        message = f'Expected a list of items but got type "{type(value).__name__}".'
        raise Invalid({"non_field_errors": [message]})
    flows, errors, slugs = [], [], set()
    for element in value:
        try:
            flows.append({"M": check_flow(element, slugs)})
            errors.append({})
        except Invalid as invalid:
            errors.append(invalid.errors)
    if any(errors):
        raise Invalid(errors)
    return {"L": flows}


FIELDS = {
    "name": text,
    "flow_set": flow_set,
    "configure_flow": reference,
    "friendly_name": nullable_text,
    "provider": choice("twilio", "generic"),
    "from_number": text,
    "account_sid": text,
    "auth": text,
    "auth_password": text_or_blank,
    "auth_type": choice("basic", "bearer"),
    "verify_only": boolean,
    "mapping": reference,
}


def check(body):
    """What a body changes, as attributes; raises what is wrong with it."""
    if body is None:
        raise Invalid({"non_field_errors": ["No data provided"]})
    return check_fields(FIELDS, frozenset(), body)


def flows_after(old, sent):
    """The flows that a stage will have: those whose slug it knows keep what is not sent."""
    known = {flow["M"]["slug"]["S"]: flow["M"] for flow in old["L"]}
    flows = []
    for flow in sent["L"]:
        fresh = {
            "pk": {"S": str(uuid.uuid4())},
            "policybindingmodel_ptr_id": {"S": str(uuid.uuid4())},
            "background": {"S": "/static/dist/assets/images/flow_background.jpg"},
            "policy_engine_mode": {"S": "any"},
            "compatibility_mode": {"BOOL": False},
            "layout": {"S": "stacked"},
            "denied_action": {"S": "message_continue"},
        }
        flows.append({"M": known.get(flow["M"]["slug"]["S"], fresh) | flow["M"]})
    return {"L": flows}


def plain(attribute):
    return attribute.get("S", attribute.get("BOOL"))


def flow_document(flow):
    return {
        "pk": plain(flow["pk"]),
        "policybindingmodel_ptr_id": plain(flow["policybindingmodel_ptr_id"]),
        "name": plain(flow["name"]),
        "slug": plain(flow["slug"]),
        "title": plain(flow["title"]),
        "designation": plain(flow["designation"]),
        "background": plain(flow["background"]),
        "policy_engine_mode": plain(flow["policy_engine_mode"]),
        "compatibility_mode": plain(flow["compatibility_mode"]),
        "export_url": f"/api/v3/flows/instances/{plain(flow['slug'])}/export/",
        "layout": plain(flow["layout"]),
        "denied_action": plain(flow["denied_action"]),
    }


def document(item):
    """A stage's item as the contract's document."""
    return {
        "pk": item["partition_key"]["S"].removeprefix("STAGE#"),
        "name": plain(item["name"]),
        "component": "ak-stage-authenticator-sms-form",
        "verbose_name": "SMS Authenticator Setup Stage",
        "verbose_name_plural": "SMS Authenticator Setup Stages",
        "meta_model_name": "authentik_stages_authenticator_sms.authenticatorsmsstage",
        "flow_set": [flow_document(flow["M"]) for flow in item["flow_set"]["L"]],
        "configure_flow": plain(item["configure_flow"]),
        "friendly_name": plain(item["friendly_name"]),
        "provider": plain(item["provider"]),
        "from_number": plain(item["from_number"]),
        "account_sid": plain(item["account_sid"]),
        "auth": plain(item["auth"]),
        "auth_password": plain(item["auth_password"]),
        "auth_type": plain(item["auth_type"]),
        "verify_only": plain(item["verify_only"]),
        "mapping": plain(item["mapping"]),
    }
