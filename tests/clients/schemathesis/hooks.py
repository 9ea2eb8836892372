"""What the document cannot say about one particular server: which rows it holds, and how far authentik's leniency goes."""

import json
import os
from copy import deepcopy
from uuid import UUID

import jsonschema_rs
import schemathesis

with open(os.environ["FIXTURE"], encoding="utf-8") as file:
    FIXTURE = json.load(file)

STAGE = FIXTURE["stages"][0]["pk"]
REQUESTS = ("AuthenticatorSMSStageRequest", "PatchedAuthenticatorSMSStageRequest", "FlowSetRequest")
# Stands for the stage's entity tag, which is not known when values are made.
CURRENT = '"0-00000000"'
seen = {}
SPELLED = {
    **dict.fromkeys(("t", "y", "yes", "true", "on", "1"), True),
    **dict.fromkeys(("f", "n", "no", "false", "off", "0"), False),
}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Narrows the document to the fixture, so that what follows it must be accepted."""
    components = raw_schema["components"]
    # Only one stage is written to: the same name sent to two would rightly be refused.
    components["parameters"]["StageUuid"]["schema"]["enum"] = [STAGE]
    for parameter in ("IfMatch", "IfNoneMatch"):
        components["parameters"][parameter]["schema"] = {"type": "string", "enum": ["*", CURRENT]}
    rows = {
        "configure_flow": [flow["pk"] for flow in FIXTURE["flows"]],
        "mapping": [mapping["pk"] for mapping in FIXTURE["mappings"]],
    }
    for request in REQUESTS:
        for name, field in components["schemas"][request]["properties"].items():
            if name in rows:
                field["enum"] = [*rows[name], None]
            elif "minLength" in field and "pattern" not in field:
                # White space alone is blank.
                field["pattern"] = r"\S"
    for request in REQUESTS:
        ACCEPTED[request] = validator(raw_schema, request)


ACCEPTED = {}


def validator(raw_schema, name):
    document = deepcopy(raw_schema)
    for schema in document["components"]["schemas"].values():
        for field in schema.get("properties", {}).values():
            if field.pop("nullable", False):
                field["type"] = [field["type"], "null"]
    return jsonschema_rs.Draft4Validator(
        {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    )


@schemathesis.hook
def before_call(context, case, kwargs):
    """Puts the tag that the stage has by now where a value that stands for it was made."""
    for header in ("If-Match", "If-None-Match"):
        if case.headers.get(header) == CURRENT:
            case.headers[header] = seen.get("tag", "*")


@schemathesis.hook
def after_call(context, case, response):
    tags = response.headers.get("etag")
    if tags:
        seen["tag"] = tags[0]


@schemathesis.hook
def map_body(context, body):
    """Makes the slugs of a list differ, which no schema can ask for."""
    flows = body.get("flow_set") if isinstance(body, dict) else None
    seen = set()
    for flow in flows if isinstance(flows, list) else []:
        slug = flow.get("slug") if isinstance(flow, dict) else None
        if not isinstance(slug, str):
            continue
        number = 0
        while slug.strip() in seen:
            number += 1
            slug = f"{flow['slug'].strip()[:40]}-{number}"
        flow["slug"] = slug
        seen.add(slug.strip())
    return body


@schemathesis.check
def lenient_only_as_authentik_is(ctx, response, case):
    """A write that was accepted is valid once it is read as authentik reads it."""
    if response.status_code != 200 or case.method.upper() not in ("PUT", "PATCH"):
        return
    body = json.loads(response.request.body or b"{}")
    name = REQUESTS[0] if case.method.upper() == "PUT" else REQUESTS[1]
    read = as_read(case.operation.schema.raw_schema["components"]["schemas"], name, body)
    errors = [error.message for error in ACCEPTED[name].iter_errors(read)]
    assert not errors, f"accepted, though {'; '.join(errors)}"
    assert UUID(response.json()["pk"]) == UUID(STAGE)


def as_read(schemas, name, value):
    fields = schemas[name]["properties"]
    if not isinstance(value, dict):
        return value
    # Unknown and read-only keys are ignored.
    return {key: field_as_read(schemas, fields[key], inner) for key, inner in value.items() if key in fields}


def field_as_read(schemas, field, value):
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if field.get("type") == "array" and isinstance(value, list):
        return [as_read(schemas, "FlowSetRequest", inner) for inner in value]
    if field.get("type") == "boolean":
        if number and value in (0, 1):
            return bool(value)
        return SPELLED.get(value.lower(), value) if isinstance(value, str) else value
    if field.get("format") == "uuid":
        if value == "":
            return None
        try:
            return str(UUID(int=value) if number else UUID(value))
        except (AttributeError, TypeError, ValueError):
            return value
    if field.get("type") == "string":
        return str(value) if number else value.strip() if isinstance(value, str) else value
    return value
