"""What the document cannot express about this server: which rows exist, and how far authentik's leniency goes."""

import atexit
import json
import os
from collections import Counter
from copy import deepcopy
from itertools import count
from uuid import UUID

import jsonschema_rs
import schemathesis

with open(os.environ["FIXTURE"], encoding="utf-8") as file:
    FIXTURE = json.load(file)

STAGE = FIXTURE["stages"][0]["pk"]
REQUESTS = ("AuthenticatorSMSStageRequest", "PatchedAuthenticatorSMSStageRequest", "FlowSetRequest")
# Stands for the stage's entity tag, which is unknown when values are generated.
CURRENT = '"0-00000000"'
# The last entity tag that was seen, by path.
tags = {}
# The number of answers by method and status.
answers = Counter()
numbers = count(1)
SPELLED = {
    **dict.fromkeys(("t", "y", "yes", "true", "on", "1"), True),
    **dict.fromkeys(("f", "n", "no", "false", "off", "0"), False),
}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Narrows the document to the fixture, so that requests that conform to it must be accepted."""
    components = raw_schema["components"]
    # Without a link from a stage that was just created, requests are always for this one.
    components["parameters"]["StageUuid"]["schema"]["enum"] = [STAGE]
    for parameter in ("IfMatch", "IfNoneMatch"):
        components["parameters"][parameter]["schema"] = {"type": "string", "enum": ["*", CURRENT]}
    rows = {
        "configure_flow": [flow["pk"] for flow in FIXTURE["flows"]],
        "mapping": [mapping["pk"] for mapping in FIXTURE["mappings"]],
        # No other page is certain to exist.
        "page": ["1", "last"],
    }
    for parameter in query_parameters(raw_schema):
        if parameter["name"] in rows:
            parameter["schema"] = {"type": "string", "enum": rows[parameter["name"]]}
    for request in REQUESTS:
        for name, field in components["schemas"][request]["properties"].items():
            if name in rows:
                field["enum"] = [*rows[name], None]
            elif "minLength" in field and "pattern" not in field:
                # A text of white space only is blank.
                field["pattern"] = r"\S"
    for request in REQUESTS:
        ACCEPTED[request] = validator(raw_schema, request)


ACCEPTED = {}


def query_parameters(raw_schema):
    """The query parameters of every operation, inline or by reference."""
    shared = raw_schema["components"]["parameters"]
    for item in raw_schema["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", ()) if isinstance(operation, dict) else ():
                parameter = shared[parameter["$ref"].rpartition("/")[2]] if "$ref" in parameter else parameter
                if parameter["in"] == "query":
                    yield parameter


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
    """Sets what is unknown when values are generated: the stage's entity tag, and a name that no stage has."""
    for header in ("If-Match", "If-None-Match"):
        if case.headers.get(header) == CURRENT:
            case.headers[header] = tags.get(case.formatted_path, "*")
    name = case.body.get("name") if isinstance(case.body, dict) else None
    if isinstance(name, str) and name.strip():
        case.body["name"] = f"{name.partition(' #')[0]} #{next(numbers)}"


@schemathesis.hook
def after_call(context, case, response):
    answers[f"{case.method.upper()} {response.status_code}"] += 1
    if "etag" in response.headers and case.method.upper() != "POST":
        tags[case.formatted_path] = response.headers["etag"][0]


@atexit.register
def report():
    with open("answers.json", "w", encoding="utf-8") as file:
        json.dump(answers, file, indent=1, sort_keys=True)


@schemathesis.hook
def map_body(context, body):
    """Makes the slugs of a list unique, which no schema can require."""
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
    """Asserts that an accepted write is valid after the conversions that authentik makes."""
    if response.status_code not in (200, 201) or case.method.upper() not in ("POST", "PUT", "PATCH"):
        return
    body = json.loads(response.request.body or b"{}")
    name = REQUESTS[1] if case.method.upper() == "PATCH" else REQUESTS[0]
    read = as_read(case.operation.schema.raw_schema["components"]["schemas"], name, body)
    errors = [error.message for error in ACCEPTED[name].iter_errors(read)]
    assert not errors, f"accepted, though {'; '.join(errors)}"
    pk = UUID(response.json()["pk"])
    assert case.method.upper() == "POST" or UUID(case.path_parameters["stage_uuid"]) == pk


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
