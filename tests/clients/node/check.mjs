// Uses a served stage through authentik's published JavaScript client, as installed.
//
//     node check.mjs INSTALLED BASE_URL FIXTURE
//
// INSTALLED is the directory that holds node_modules. The server must hold FIXTURE. Checks run in the order they
// stand in and share one stage: each knows what the ones before it left. Prints a TAP line per check; exits 1 if any
// failed.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [installed, baseUrl, fixture] = process.argv.slice(2);

// The packages of 2025.8 and later were published without the file that their `main` names, so that only what bundlers
// read, `module`, can be loaded.
const root = resolve(installed, "node_modules/@goauthentik/api");
const { main, module } = JSON.parse(readFileSync(resolve(root, "package.json"), "utf8"));
const entry = [main, module].map((file) => resolve(root, file)).find((file) => existsSync(file));
const client = await import(pathToFileURL(entry));

const data = JSON.parse(readFileSync(fixture, "utf8"));

// The stage as it should now stand; every check that changes it says so here too.
const stage = structuredClone(data.stages[0]);
const other = data.stages[1];
const stageUuid = stage.pk;
const unknown = "00000000-0000-4000-8000-000000000000";
const flow = data.flows[3].pk;
const mapping = data.mappings[0].pk;

const checks = [];
const check = (sentence, run) => checks.push([sentence, run]);

const api = (token) =>
  new client.StagesApi(
    new client.Configuration({
      basePath: baseUrl,
      accessToken: token,
      fetchApi: (url, init) => fetch(url, { ...init, signal: AbortSignal.timeout(20_000) }),
    }),
  );

const retrieve = (uuid = stageUuid, token = "good-token") =>
  api(token).stagesAuthenticatorSmsRetrieveRaw({ stageUuid: uuid });

const patch = (request, { uuid = stageUuid, token = "good-token", headers = {} } = {}) =>
  api(token).stagesAuthenticatorSmsPartialUpdateRaw(
    { stageUuid: uuid, patchedAuthenticatorSMSStageRequest: request },
    async ({ init }) => ({ headers: { ...init.headers, ...headers } }),
  );

const put = (request) =>
  api("good-token").stagesAuthenticatorSmsUpdateRaw({ stageUuid, authenticatorSMSStageRequest: request });

const flowRequest = (name, slug, optional = {}) => ({
  name,
  slug,
  title: name,
  designation: client.FlowDesignationEnum.Enrollment,
  ...optional,
});

// The client's own names for the document, and `undefined` for null: spelled out here, so that the client's reading
// is compared with something it did not make itself.
const camel = (key) => key.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const typed = (value) =>
  Array.isArray(value)
    ? value.map(typed)
    : value !== null && typeof value === "object"
      ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [camel(key), typed(inner)]))
      : (value ?? undefined);

const etag = async () => (await retrieve()).raw.headers.get("etag");

/** The answer is the whole expected document: its text, key order included, and its typed form. */
async function isStage(answer, expected = stage) {
  assert.equal(answer.raw.status, 200);
  assert.equal(JSON.stringify(await answer.raw.clone().json()), JSON.stringify(expected));
  const value = await answer.value();
  assert.ok(client.instanceOfAuthenticatorSMSStage(value));
  assert.deepEqual(value, typed(expected));
  return value;
}

/** The call fails with this status and this body; the stage stays as it was. */
async function refused(status, fromJSON, body, call) {
  const before = await retrieve();
  const error = await call().then(
    () => assert.fail("not refused"),
    (thrown) => thrown,
  );
  assert.equal(error.name, "ResponseError", error.stack);
  assert.equal(error.response.status, status);
  const got = await error.response.json();
  assert.deepEqual(got, body);
  const { non_field_errors, ...rest } = body;
  assert.deepEqual(
    { ...fromJSON(got), non_field_errors: undefined },
    { ...rest, ...(fromJSON === client.ValidationErrorFromJSON && { nonFieldErrors: non_field_errors }), non_field_errors: undefined },
  );
  const after = await retrieve();
  assert.equal(await after.raw.text(), await before.raw.text());
  assert.equal(after.raw.headers.get("etag"), before.raw.headers.get("etag"));
}

const invalid = (fields, call) =>
  refused(400, client.ValidationErrorFromJSON, { ...fields, code: "invalid" }, call);

check("retrieves a stage", async () => {
  const answer = await retrieve();
  const value = await isStage(answer);
  assert.match(answer.raw.headers.get("etag"), /^".+"$/);
  assert.equal(answer.raw.headers.get("cache-control"), "no-store");
  assert.equal(value.provider, client.ProviderEnum.Twilio);
  assert.equal(value.authType, client.AuthTypeEnum.Basic);
  const [first, second] = value.flowSet;
  assert.ok(client.instanceOfFlowSet(first));
  assert.equal(first.designation, client.FlowDesignationEnum.StageConfiguration);
  assert.equal(first.policyEngineMode, client.PolicyEngineMode.Any);
  assert.equal(second.layout, client.FlowLayoutEnum.SidebarRight);
  assert.equal(second.deniedAction, client.DeniedActionEnum.Message);
  assert.equal(second.compatibilityMode, true);
});

check("retrieves with a token that may only look", async () => {
  await isStage(await retrieve(stageUuid, "viewer-token"));
  await isStage(await retrieve(other.pk, "viewer-token"), other);
});

check("changes only the fields that are named", async () => {
  const answer = await patch({ name: "renamed", verifyOnly: true, provider: client.ProviderEnum.Generic });
  Object.assign(stage, { name: "renamed", verify_only: true, provider: "generic" });
  await isStage(answer);
  await isStage(await retrieve());
});

check("sets references", async () => {
  const answer = await patch({ configureFlow: flow, mapping });
  Object.assign(stage, { configure_flow: flow, mapping });
  await isStage(answer);
  await isStage(await retrieve());
});

check("sends nulls", async () => {
  const answer = await patch({ configureFlow: null, friendlyName: null, mapping: null });
  Object.assign(stage, { configure_flow: null, friendly_name: null, mapping: null });
  await isStage(answer);
  await isStage(await retrieve());
});

check("leaves everything alone without a request", async () => {
  const before = await etag();
  const answer = await patch(undefined);
  await isStage(answer);
  assert.equal(answer.raw.headers.get("etag"), before);
});

check("leaves everything alone with an empty request", async () => {
  const before = await etag();
  const answer = await patch({});
  await isStage(answer);
  assert.equal(answer.raw.headers.get("etag"), before);
});

check("reads a 400 about a null request", () =>
  invalid({ non_field_errors: ["No data provided"] }, () => patch(null)));

check("replaces the flows", async () => {
  const kept = stage.flow_set[1];
  const answer = await patch({
    flowSet: [
      flowRequest("New", "brand-new", {
        policyEngineMode: client.PolicyEngineMode.All,
        layout: client.FlowLayoutEnum.ContentLeft,
        deniedAction: client.DeniedActionEnum.Continue,
      }),
      flowRequest("Kept", kept.slug),
    ],
  });
  const { pk, policybindingmodel_ptr_id } = (await answer.raw.clone().json()).flow_set[0];
  for (const key of [pk, policybindingmodel_ptr_id]) {
    assert.match(key, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  }
  stage.flow_set = [
    {
      pk,
      policybindingmodel_ptr_id,
      name: "New",
      slug: "brand-new",
      title: "New",
      designation: "enrollment",
      background: "/static/dist/assets/images/flow_background.jpg",
      policy_engine_mode: "all",
      compatibility_mode: false,
      export_url: "/api/v3/flows/instances/brand-new/export/",
      layout: "content_left",
      denied_action: "continue",
    },
    { ...kept, name: "Kept", title: "Kept", designation: "enrollment" },
  ];
  await isStage(answer);
  await isStage(await retrieve());
});

check("sends the whole stage back", async () => {
  await isStage(await put(await (await retrieve()).value()));
  await isStage(await retrieve());
});

check("empties the flows", async () => {
  const answer = await patch({ flowSet: [] });
  stage.flow_set = [];
  await isStage(answer);
});

check("updates in full", async () => {
  const required = {
    name: "sms-setup",
    provider: client.ProviderEnum.Generic,
    fromNumber: "+15005550009",
    accountSid: "https://sms.example.com/send",
    auth: "another",
  };
  let answer = await put(required);
  Object.assign(stage, {
    name: "sms-setup",
    provider: "generic",
    from_number: "+15005550009",
    account_sid: "https://sms.example.com/send",
    auth: "another",
  }); // what is optional and absent stays
  await isStage(answer);

  answer = await put({
    ...required,
    flowSet: [],
    configureFlow: flow,
    friendlyName: "Mobile",
    authPassword: "",
    authType: client.AuthTypeEnum.Bearer,
    verifyOnly: false,
    mapping,
  });
  Object.assign(stage, {
    configure_flow: flow,
    friendly_name: "Mobile",
    auth_password: "",
    auth_type: "bearer",
    verify_only: false,
    mapping,
  });
  await isStage(answer);
  await isStage(await retrieve());
});

check("writes only if the etag still matches", async () => {
  const stale = await etag();
  const answer = await patch({ friendlyName: "First" }, { headers: { "If-Match": stale } });
  stage.friendly_name = "First";
  await isStage(answer);
  assert.notEqual(answer.raw.headers.get("etag"), stale);
  const error = await patch({ friendlyName: "Second" }, { headers: { "If-Match": stale } }).catch((thrown) => thrown);
  assert.equal(error.response?.status, 412);
  assert.equal((await error.response.json()).code, "precondition_failed");
  await isStage(await retrieve());
});

check("reads a 400 about several fields", () =>
  invalid(
    {
      name: ["stage with this name already exists."],
      configure_flow: [`Invalid pk "${unknown}" - object does not exist.`],
      friendly_name: ["This field may not be blank."],
      provider: ['"pigeon" is not a valid choice.'],
      mapping: ["“nope” is not a valid UUID."],
    },
    () =>
      patch({ name: other.name, configureFlow: unknown, friendlyName: "", provider: "pigeon", mapping: "nope" }),
  ));

check("reads a 400 about some flows of several", () =>
  invalid(
    {
      flow_set: [
        {},
        { slug: ["Flow with this slug already exists."] },
        { title: ["This field is required."], designation: ["This field is required."] },
      ],
    },
    () => patch({ flowSet: [flowRequest("A", "same"), flowRequest("B", "same"), { name: "C", slug: "other" }] }),
  ));

check("reads a 400 about what a full update lacks", () =>
  invalid(
    Object.fromEntries(
      ["name", "provider", "from_number", "account_sid", "auth"].map((key) => [key, ["This field is required."]]),
    ),
    () => put({}),
  ));

check("reads a 403 for each reason", async () => {
  for (const [token, detail, code] of [
    [undefined, "Authentication credentials were not provided.", "not_authenticated"],
    ["nobody's", "Token invalid/expired", "authentication_failed"],
    ["expired-token", "Token invalid/expired", "authentication_failed"],
    ["viewer-token", "You do not have permission to perform this action.", "permission_denied"],
  ]) {
    // "" because a token left `undefined` would fall back to the good one.
    await refused(403, client.GenericErrorFromJSON, { detail, code }, () =>
      patch({ name: "refused" }, { token: token ?? "" }),
    );
  }
});

check("reads a 404", async () => {
  const body = { detail: "No AuthenticatorSMSStage matches the given query.", code: "not_found" };
  await refused(404, client.GenericErrorFromJSON, body, () => patch({ name: "nowhere" }, { uuid: unknown }));
  await refused(404, client.GenericErrorFromJSON, body, () => retrieve(unknown));
});

let failed = 0;
for (const [sentence, run] of checks) {
  try {
    await run();
    console.log(`ok - ${sentence}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok - ${sentence}`);
    console.error(error);
  }
}
process.exitCode = failed > 0 ? 1 : 0;
