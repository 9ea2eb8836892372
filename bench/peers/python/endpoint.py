"""The endpoint's way from event to answer, the same in both Python handlers but for how a token is found.

It does less than the function: no ETag and no If-Match, no log line and no metrics, no other triggers than an HTTP API
and a bearer token, no recognising of a write that was sent again, and a new name or reference is only looked at when
the rest of the body is right.
"""

import base64
import hashlib
import json
import os
import re
import time
import uuid

from botocore.exceptions import ClientError

from stage import Invalid, canonical_uuid, check, document, flows_after

TABLE = os.environ["TABLE_NAME"]
ROUTE = re.compile(r"(?:/api/v3)?/stages/authenticator/sms/([^/]+)/?")
MODEL = "authenticatorsmsstage"
PERMISSIONS = [f"authentik_stages_authenticator_sms.{action}_{MODEL}" for action in ("change", "view")]
TRIES_MAX = 3
# Every clause reads the item as it was before the update.
COUNT_AND_SHIFT = (
    "SET #revision = #revision + :one, #write_ids[0] = :write_id, #write_ids[1] = #write_ids[0], "
    "#write_ids[2] = #write_ids[1], #write_ids[3] = #write_ids[2]"
)


def respond(status, body):
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(body)}


def refuse(status, code, detail):
    return respond(status, {"detail": detail, "code": code})


def invalid(errors):
    return respond(400, errors | {"code": "invalid"})


def missing():
    return refuse(404, "not_found", "No AuthenticatorSMSStage matches the given query.")


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def key(prefix, name):
    return {"partition_key": {"S": f"{prefix}#{name}"}}


def read_token(client, digest):
    """The token with this hash: what its owner may do, and until when."""
    answer = client.get_item(TableName=TABLE, Key=key("TOKEN", digest), ConsistentRead=True)
    item = answer.get("Item")
    if item is None:
        return None
    expires = float(item["expires"]["N"]) if "expires" in item else float("inf")
    return {permission["S"] for permission in item["permissions"]["L"]}, expires


def answer(event, client, find_token):
    """Answers one event; `find_token` finds the token with a hash."""
    route = ROUTE.fullmatch(event["rawPath"])
    if route is None:
        return refuse(404, "not_found", "Not found.")
    method = event["requestContext"]["http"]["method"]
    if method != "PATCH":
        return refuse(405, "method_not_allowed", f'Method "{method}" not allowed.')
    scheme, space, bearer = event["headers"].get("authorization", "").strip().partition(" ")
    if not space:
        return refuse(403, "not_authenticated", "Authentication credentials were not provided.")
    if scheme.lower() != "bearer":
        return refuse(403, "authentication_failed", "Unsupported authentication type")
    token = find_token(sha256(bearer))
    if token is None or token[1] <= time.time():
        return refuse(403, "authentication_failed", "Token invalid/expired")
    stage_uuid = canonical_uuid(route[1])
    if stage_uuid is None:
        return invalid({"stage_uuid": [f"“{route[1]}” is not a valid UUID."]})
    if not all(name in token[0] or f"{name}:{stage_uuid}" in token[0] for name in PERMISSIONS):
        return refuse(403, "permission_denied", "You do not have permission to perform this action.")
    return patch(event, client, stage_uuid)


def patch(event, client, stage_uuid):
    sent = event["headers"].get("content-type", "")
    if sent.partition(";")[0].strip().lower() != "application/json":
        return refuse(415, "unsupported_media_type", f'Unsupported media type "{sent}" in request.')
    text = event.get("body") or "{}"
    try:
        body = json.loads(base64.b64decode(text) if event.get("isBase64Encoded") else text)
    except ValueError as error:
        return refuse(400, "parse_error", f"JSON parse error - {error}")
    try:
        changes = check(body)
    except Invalid as found:
        return invalid(found.errors)
    if "flow_set" not in changes and (outcome := change_at_once(client, stage_uuid, changes)):
        return outcome
    return change_after_reading(client, stage_uuid, changes, body)


def update(stage_uuid, fields, required):
    """An update that sets some attributes where `required` are so already."""
    names = {"#revision": "revision", "#write_ids": "write_ids"}
    values = {":one": {"N": "1"}, ":write_id": {"S": uuid.uuid4().hex}}
    expression = COUNT_AND_SHIFT
    condition = "attribute_exists(partition_key)"
    for field, attribute in (fields | required).items():
        names[f"#{field}"] = field
        values[f":{field}"] = attribute
        if field in required:
            condition += f" AND #{field} = :{field}"
        else:
            expression += f", #{field} = :{field}"
    return {
        "TableName": TABLE,
        "Key": key("STAGE", stage_uuid),
        "UpdateExpression": expression,
        "ConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def change_at_once(client, stage_uuid, changes):
    """Changes a stage whose name and references stay what they are. None if they do not."""
    fields = ("name", "configure_flow", "mapping")
    required = {field: changes[field] for field in fields if "S" in changes.get(field, {})}
    try:
        answer = client.update_item(
            **update(stage_uuid, changes, required),
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except client.exceptions.ConditionalCheckFailedException as error:
        return None if "Item" in error.response else missing()
    return respond(200, document(answer["Attributes"]))


def change_after_reading(client, stage_uuid, changes, body):
    """Changes a stage together with its name's lock, while the rows that it newly refers to exist."""
    for _ in range(TRIES_MAX):
        found = client.get_item(TableName=TABLE, Key=key("STAGE", stage_uuid), ConsistentRead=True)
        old = found.get("Item")
        if old is None:
            return missing()
        fields = dict(changes)
        if "flow_set" in fields:
            fields["flow_set"] = flows_after(old["flow_set"], fields["flow_set"])
        stage = update(stage_uuid, fields, {"revision": old["revision"]})
        parts = [({"Update": stage}, None, None), *others(stage_uuid, old, fields, body)]
        try:
            client.transact_write_items(TransactItems=[item for item, _, _ in parts])
            return respond(200, document(old | fields))
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            reasons = zip(parts, error.response["CancellationReasons"], strict=True)
        failed = [part for part, reason in reasons if reason["Code"] == "ConditionalCheckFailed"]
        errors = {field: [message] for _, field, message in failed if field}
        if errors and len(errors) == len(failed):
            return invalid(errors)
    return refuse(409, "conflict", "The stage is being changed by others. Nothing was changed; try again.")


def others(stage_uuid, old, fields, body):
    """What a transaction does beside the stage: the lock of a new name, and a look at each new reference."""
    parts = []
    name = fields.get("name", old["name"])
    if name != old["name"]:
        lock = key("NAME", sha256(name["S"])) | {"name": name, "stage_uuid": {"S": stage_uuid}}
        free = "attribute_not_exists(partition_key)"
        put = {"Put": {"TableName": TABLE, "Item": lock, "ConditionExpression": free}}
        parts.append((put, "name", "stage with this name already exists."))
        release = {"TableName": TABLE, "Key": key("NAME", sha256(old["name"]["S"]))}
        parts.append(({"Delete": release}, None, None))
    own = {flow["M"]["pk"]["S"] for flow in fields.get("flow_set", old["flow_set"])["L"]}
    for field, prefix in (("configure_flow", "FLOW"), ("mapping", "MAPPING")):
        row = fields.get(field, {}).get("S")
        if row and fields[field] != old[field] and not (field == "configure_flow" and row in own):
            there = "attribute_exists(partition_key)"
            look = {"TableName": TABLE, "Key": key(prefix, row), "ConditionExpression": there}
            message = f'Invalid pk "{body[field]}" - object does not exist.'
            parts.append(({"ConditionCheck": look}, field, message))
    return parts
