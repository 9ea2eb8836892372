// What both Node handlers know of a stage: how a body is checked, and what its item in the table looks like.

import { randomUUID } from "node:crypto";

const NOT_A_SLUG = 'Enter a valid "slug" consisting of letters, numbers, underscores or hyphens.';
const SLUG = /^[-a-zA-Z0-9_]+$/;
const SLUG_CHARACTERS_MAX = 50;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const TRUE = new Set([true, 1, "t", "y", "yes", "true", "on", "1"]);
const FALSE = new Set([false, 0, "f", "n", "no", "false", "off", "0"]);

const good = (attribute) => ({ attribute });
const bad = (...errors) => ({ errors });
const notNull = () => bad("This field may not be null.");
const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value));

/** The 36 characters of a UUID in lower case, or undefined. */
export const canonicalUuid = (value) => (UUID.test(value) ? value.toLowerCase() : undefined);

const text =
  ({ nullable = false, blank = false } = {}) =>
  (value) => {
    if (value === null) {
      return nullable ? good({ NULL: true }) : notNull();
    }
    if (typeof value !== "string" && typeof value !== "number") {
      return bad("Not a valid string.");
    }
    const trimmed = String(value).trim();
    if (trimmed === "" && !blank) {
      return bad("This field may not be blank.");
    }
    return trimmed.includes("\0") ? bad("Null characters are not allowed.") : good({ S: trimmed });
  };

function slug(value) {
  const checked = text()(value);
  if (checked.errors) {
    return checked.errors[0] === "Not a valid string." ? bad(NOT_A_SLUG) : checked;
  }
  const errors = [];
  if ([...checked.attribute.S].length > SLUG_CHARACTERS_MAX) {
    errors.push(`Ensure this field has no more than ${SLUG_CHARACTERS_MAX} characters.`);
  }
  if (!SLUG.test(checked.attribute.S)) {
    errors.push(NOT_A_SLUG);
  }
  return errors.length > 0 ? { errors } : checked;
}

const choice =
  (...words) =>
  (value) => {
    if (value === null) {
      return notNull();
    }
    return words.includes(value) ? good({ S: value }) : bad(`"${shown(value)}" is not a valid choice.`);
  };

function boolean(value) {
  if (value === null) {
    return notNull();
  }
  const word = typeof value === "string" ? value.toLowerCase() : value;
  if (TRUE.has(word)) {
    return good({ BOOL: true });
  }
  return FALSE.has(word) ? good({ BOOL: false }) : bad("Must be a valid boolean.");
}

function reference(value) {
  if (value === null || value === "") {
    return good({ NULL: true });
  }
  if (typeof value === "boolean") {
    return bad("Incorrect type. Expected pk value, received bool.");
  }
  const uuid = typeof value === "string" ? canonicalUuid(value) : undefined;
  return uuid ? good({ S: uuid }) : bad(`“${shown(value)}” is not a valid UUID.`);
}

const FLOW_FIELDS = {
  name: text(),
  slug,
  title: text(),
  designation: choice(
    ...["authentication", "authorization", "invalidation", "enrollment", "unenrollment", "recovery"],
    "stage_configuration",
  ),
  policy_engine_mode: choice("all", "any"),
  compatibility_mode: boolean,
  layout: choice("stacked", "content_left", "content_right", "sidebar_left", "sidebar_right"),
  denied_action: choice("message_continue", "message", "continue"),
};
const FLOW_FIELDS_REQUIRED = ["name", "slug", "title", "designation"];

function kind(value) {
  if (Array.isArray(value)) {
    return "list";
  }
  if (typeof value === "number") {
    return Number.isInteger(value) ? "int" : "float";
  }
  return { string: "str", boolean: "bool", object: "dict" }[typeof value];
}

/** The attributes that an object sets, and what is wrong with the others. */
function checkFields(fields, required, sent) {
  const changes = {};
  const errors = {};
  for (const [field, check] of Object.entries(fields)) {
    if (Object.hasOwn(sent, field)) {
      const checked = check(sent[field]);
      if (checked.errors) {
        errors[field] = checked.errors;
      } else {
        changes[field] = checked.attribute;
      }
    } else if (required.includes(field)) {
      errors[field] = ["This field is required."];
    }
  }
  return Object.keys(errors).length > 0 ? { errors } : { changes };
}

function checkFlow(element, slugs) {
  if (element === null) {
    return notNull();
  }
  if (kind(element) !== "dict") {
    const message = `Invalid data. Expected a dictionary, but got ${kind(element)}.`;
    return { errors: { non_field_errors: [message] } };
  }
  const checked = checkFields(FLOW_FIELDS, FLOW_FIELDS_REQUIRED, element);
  if (checked.changes && slugs.has(checked.changes.slug.S)) {
    return { errors: { slug: ["Flow with this slug already exists."] } };
  }
  slugs.add(checked.changes?.slug.S);
  return checked;
}

function flowSet(value) {
  if (value === null) {
    return notNull();
  }
  if (!Array.isArray(value)) {
    const message = `Expected a list of items but got type "${kind(value)}".`;
    return { errors: { non_field_errors: [message] } };
  }
  const slugs = new Set();
  const flows = value.map((element) => checkFlow(element, slugs));
  if (flows.some((flow) => flow.errors)) {
    return { errors: flows.map((flow) => flow.errors ?? {}) };
  }
  return good({ L: flows.map((flow) => ({ M: flow.changes })) });
}

const FIELDS = {
  name: text(),
  flow_set: flowSet,
  configure_flow: reference,
  friendly_name: text({ nullable: true }),
  provider: choice("twilio", "generic"),
  from_number: text(),
  account_sid: text(),
  auth: text(),
  auth_password: text({ blank: true }),
  auth_type: choice("basic", "bearer"),
  verify_only: boolean,
  mapping: reference,
};

/** What a body changes, as attributes, or what is wrong with it. */
export function check(body) {
  if (body === null) {
    return { errors: { non_field_errors: ["No data provided"] } };
  }
  if (kind(body) !== "dict") {
    const message = `Invalid data. Expected a dictionary, but got ${kind(body)}.`;
    return { errors: { non_field_errors: [message] } };
  }
  return checkFields(FIELDS, [], body);
}

/** The flows that a stage will have: those whose slug it knows keep what is not sent. */
export function flowsAfter(old, sent) {
  const known = new Map(old.L.map((flow) => [flow.M.slug.S, flow.M]));
  const fresh = () => ({
    pk: { S: randomUUID() },
    policybindingmodel_ptr_id: { S: randomUUID() },
    background: { S: "/static/dist/assets/images/flow_background.jpg" },
    policy_engine_mode: { S: "any" },
    compatibility_mode: { BOOL: false },
    layout: { S: "stacked" },
    denied_action: { S: "message_continue" },
  });
  return { L: sent.L.map(({ M }) => ({ M: { ...(known.get(M.slug.S) ?? fresh()), ...M } })) };
}

const value = (attribute) => attribute.S ?? attribute.BOOL ?? null;

function flowDocument({ M: flow }) {
  return {
    pk: value(flow.pk),
    policybindingmodel_ptr_id: value(flow.policybindingmodel_ptr_id),
    name: value(flow.name),
    slug: value(flow.slug),
    title: value(flow.title),
    designation: value(flow.designation),
    background: value(flow.background),
    policy_engine_mode: value(flow.policy_engine_mode),
    compatibility_mode: value(flow.compatibility_mode),
    export_url: `/api/v3/flows/instances/${value(flow.slug)}/export/`,
    layout: value(flow.layout),
    denied_action: value(flow.denied_action),
  };
}

/** A stage's item as the contract's document. */
export function document(item) {
  return {
    pk: item.partition_key.S.slice("STAGE#".length),
    name: value(item.name),
    component: "ak-stage-authenticator-sms-form",
    verbose_name: "SMS Authenticator Setup Stage",
    verbose_name_plural: "SMS Authenticator Setup Stages",
    meta_model_name: "authentik_stages_authenticator_sms.authenticatorsmsstage",
    flow_set: item.flow_set.L.map(flowDocument),
    configure_flow: value(item.configure_flow),
    friendly_name: value(item.friendly_name),
    provider: value(item.provider),
    from_number: value(item.from_number),
    account_sid: value(item.account_sid),
    auth: value(item.auth),
    auth_password: value(item.auth_password),
    auth_type: value(item.auth_type),
    verify_only: value(item.verify_only),
    mapping: value(item.mapping),
  };
}
