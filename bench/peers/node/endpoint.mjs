// The endpoint's way from event to answer, the same in both Node handlers but for how a token is found.
//
// It does less than the function: no ETag and no If-Match, no log line and no metrics, no other triggers than an HTTP API
// and a bearer token, no recognising of a write that was sent again, and a new name or reference is only looked at when
// the rest of the body is right.

import { createHash, randomUUID } from "node:crypto";

import { GetItemCommand, TransactWriteItemsCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";

import { canonicalUuid, check, document, flowsAfter } from "./stage.mjs";

const TABLE = process.env.TABLE_NAME;
const ROUTE = /^(?:\/api\/v3)?\/stages\/authenticator\/sms\/([^/]+)\/?$/;
const MODEL = "authenticatorsmsstage";
const PERMISSIONS = ["change", "view"].map((action) => `authentik_stages_authenticator_sms.${action}_${MODEL}`);
const TRIES_MAX = 3;

const respond = (statusCode, body) => ({
  statusCode,
  headers: { "content-type": "application/json", "cache-control": "no-store" },
  body: JSON.stringify(body),
});
const refuse = (statusCode, code, detail) => respond(statusCode, { detail, code });
const invalid = (errors) => respond(400, { ...errors, code: "invalid" });
const missing = () => refuse(404, "not_found", "No AuthenticatorSMSStage matches the given query.");

const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const key = (prefix, id) => ({ partition_key: { S: `${prefix}#${id}` } });

/** The token with this hash: what its owner may do, and until when. */
export async function readToken(client, hash) {
  const { Item } = await client.send(
    new GetItemCommand({ TableName: TABLE, Key: key("TOKEN", hash), ConsistentRead: true }),
  );
  return Item && { permissions: Item.permissions.L.map(({ S }) => S), expires: Number(Item.expires?.N ?? Infinity) };
}

/** Answers one event; `findToken` finds the token with a hash. */
export async function answer(event, client, findToken) {
  const segment = ROUTE.exec(event.rawPath)?.[1];
  if (!segment) {
    return refuse(404, "not_found", "Not found.");
  }
  const { method } = event.requestContext.http;
  if (method !== "PATCH") {
    return refuse(405, "method_not_allowed", `Method "${method}" not allowed.`);
  }
  const [, scheme, bearer] = /^(\S+) (.+)$/s.exec(event.headers.authorization?.trim() ?? "") ?? [];
  if (!scheme) {
    return refuse(403, "not_authenticated", "Authentication credentials were not provided.");
  }
  if (scheme.toLowerCase() !== "bearer") {
    return refuse(403, "authentication_failed", "Unsupported authentication type");
  }
  const token = await findToken(sha256(bearer));
  if (!token || token.expires <= Date.now() / 1000) {
    return refuse(403, "authentication_failed", "Token invalid/expired");
  }
  const uuid = canonicalUuid(segment);
  if (!uuid) {
    return invalid({ stage_uuid: [`“${segment}” is not a valid UUID.`] });
  }
  const may = (name) => token.permissions.some((held) => held === name || held === `${name}:${uuid}`);
  if (!PERMISSIONS.every(may)) {
    return refuse(403, "permission_denied", "You do not have permission to perform this action.");
  }
  return patch(event, client, uuid);
}

async function patch(event, client, uuid) {
  const sent = event.headers["content-type"] ?? "";
  if (sent.split(";")[0].trim().toLowerCase() !== "application/json") {
    return refuse(415, "unsupported_media_type", `Unsupported media type "${sent}" in request.`);
  }
  const text = event.isBase64Encoded ? Buffer.from(event.body, "base64").toString() : event.body;
  let body;
  try {
    body = text ? JSON.parse(text) : {};
  } catch (error) {
    return refuse(400, "parse_error", `JSON parse error - ${error.message}`);
  }
  const { errors, changes } = check(body);
  if (errors) {
    return invalid(errors);
  }
  if (!changes.flow_set) {
    const outcome = await changeAtOnce(client, uuid, changes);
    if (outcome) {
      return outcome;
    }
  }
  return changeAfterReading(client, uuid, changes, body);
}

/** An update that sets some attributes where `required` are so already; counts the revision, shifts the write ids. */
function update(uuid, set, required) {
  const names = { "#revision": "revision", "#write_ids": "write_ids" };
  const values = { ":one": { N: "1" }, ":write_id": { S: randomUUID() } };
  let expression = "SET #revision = #revision + :one, #write_ids[0] = :write_id";
  for (const place of [1, 2, 3]) {
    expression += `, #write_ids[${place}] = #write_ids[${place - 1}]`;
  }
  let condition = "attribute_exists(partition_key)";
  for (const [field, attribute] of Object.entries({ ...set, ...required })) {
    names[`#${field}`] = field;
    values[`:${field}`] = attribute;
    if (field in required) {
      condition += ` AND #${field} = :${field}`;
    } else {
      expression += `, #${field} = :${field}`;
    }
  }
  return {
    TableName: TABLE,
    Key: key("STAGE", uuid),
    UpdateExpression: expression,
    ConditionExpression: condition,
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  };
}

/** Changes a stage whose name and references stay what they are. Undefined if they do not. */
async function changeAtOnce(client, uuid, changes) {
  const required = {};
  for (const field of ["name", "configure_flow", "mapping"]) {
    if (changes[field]?.S) {
      required[field] = changes[field];
    }
  }
  const input = update(uuid, changes, required);
  input.ReturnValues = "ALL_NEW";
  input.ReturnValuesOnConditionCheckFailure = "ALL_OLD";
  try {
    const { Attributes } = await client.send(new UpdateItemCommand(input));
    return respond(200, document(Attributes));
  } catch (error) {
    if (error.name !== "ConditionalCheckFailedException") {
      throw error;
    }
    return error.Item ? undefined : missing();
  }
}

/** Changes a stage together with its name's lock, while the rows that it newly refers to exist. */
async function changeAfterReading(client, uuid, changes, body) {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const stage = { TableName: TABLE, Key: key("STAGE", uuid), ConsistentRead: true };
    const { Item: old } = await client.send(new GetItemCommand(stage));
    if (!old) {
      return missing();
    }
    const set = { ...changes };
    if (set.flow_set) {
      set.flow_set = flowsAfter(old.flow_set, set.flow_set);
    }
    const input = update(uuid, set, { revision: old.revision });
    const parts = [{ field: undefined, item: { Update: input } }, ...others(uuid, old, set, body)];
    try {
      await client.send(new TransactWriteItemsCommand({ TransactItems: parts.map(({ item }) => item) }));
      return respond(200, document({ ...old, ...set }));
    } catch (error) {
      if (error.name !== "TransactionCanceledException") {
        throw error;
      }
      const failed = parts.filter((_, place) => error.CancellationReasons[place].Code === "ConditionalCheckFailed");
      const wrong = failed.filter(({ field }) => field);
      if (wrong.length > 0 && wrong.length === failed.length) {
        return invalid(Object.fromEntries(wrong.map(({ field, message }) => [field, [message]])));
      }
    }
  }
  return refuse(409, "conflict", "The stage is being changed by others. Nothing was changed; try again.");
}

/** What a transaction does beside the stage: the lock of a new name, and a look at each new reference. */
function others(uuid, old, set, body) {
  const parts = [];
  if (set.name && set.name.S !== old.name.S) {
    const lock = { ...key("NAME", sha256(set.name.S)), name: set.name, stage_uuid: { S: uuid } };
    const put = { TableName: TABLE, Item: lock, ConditionExpression: "attribute_not_exists(partition_key)" };
    parts.push({ field: "name", message: "stage with this name already exists.", item: { Put: put } });
    parts.push({ item: { Delete: { TableName: TABLE, Key: key("NAME", sha256(old.name.S)) } } });
  }
  const own = new Set((set.flow_set ?? old.flow_set).L.map(({ M }) => M.pk.S));
  for (const [field, prefix] of [["configure_flow", "FLOW"], ["mapping", "MAPPING"]]) {
    const id = set[field]?.S;
    if (id && id !== old[field].S && !(field === "configure_flow" && own.has(id))) {
      const look = { TableName: TABLE, Key: key(prefix, id), ConditionExpression: "attribute_exists(partition_key)" };
      const message = `Invalid pk "${body[field]}" - object does not exist.`;
      parts.push({ field, message, item: { ConditionCheck: look } });
    }
  }
  return parts;
}
