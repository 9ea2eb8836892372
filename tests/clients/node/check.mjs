// Tests a server through authentik's published JavaScript client, as installed.
//
//     node check.mjs INSTALLED LINES FIXTURE RELEASE SETTING=BASE_URL...
//
// INSTALLED is the directory with node_modules; RELEASE is the client's release. SETTING is the release that the server
// at BASE_URL was started with, or `every_release` for none. Each server must have FIXTURE loaded. LINES has the keys of
// each release's answers. The checks run once for each server, in the order of this file, and share one stage, so each
// depends on those before it. Prints a TAP line per check; exits with 1 if any failed.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [installed, linesFile, fixtureFile, release, ...served] = process.argv.slice(2);

// The packages of 2025.8 to 2026.2 were published without the file that their `main` refers to, so only `module`, which
// is meant for bundlers, can be loaded.
const root = resolve(installed, "node_modules/@goauthentik/api");
const { main, module } = JSON.parse(readFileSync(resolve(root, "package.json"), "utf8"));
const entry = [main, module].map((file) => resolve(root, file)).find((file) => existsSync(file));
const client = await import(pathToFileURL(entry));

const lines = JSON.parse(readFileSync(linesFile, "utf8"));
const fixture = JSON.parse(readFileSync(fixtureFile, "utf8"));

const unknown = "00000000-0000-4000-8000-000000000000";
const notFound = { detail: "No AuthenticatorSMSStage matches the given query.", code: "not_found" };
const permissionDenied = { detail: "You do not have permission to perform this action.", code: "permission_denied" };
const flow = fixture.flows[3].pk;
const mapping = fixture.mappings[0].pk;
const required = {
  name: "made-by-node",
  provider: client.ProviderEnum.Generic,
  fromNumber: "+15005550009",
  accountSid: "https://sms.example.com/send",
  auth: "another",
};

/** The keys and rules of this release's answers: its own row if there is one, else the row of its line. */
function line(name) {
  const find = (wanted) => lines.lines.find((row) => row.releases.includes(wanted));
  return find(name) ?? find(name.split(".", 2).join(".")) ?? assert.fail(`${name} is in no row`);
}

// What the client's own release can send and expects in answers.
const own = line(release);

// The server that is being checked, the expected form of its answers, and the expected current state of its stages,
// which every check that changes a stage must update.
let baseUrl, contract, hidesSecrets, stages, stage, other;

function start(setting, url) {
  baseUrl = url;
  contract = setting === "every_release" ? lines.every_release : line(setting);
  hidesSecrets = !contract.stage.includes("auth");
  stages = structuredClone(fixture.stages);
  // The fixture's first stage has flows, the second has none.
  [stage, other] = stages;
}

const checks = [];
const check = (sentence, run) => checks.push([sentence, run]);
const checkIf = (condition, sentence, run) => condition && check(sentence, run);

const api = (token, kind = client.StagesApi) =>
  new kind(
    new client.Configuration({
      basePath: baseUrl,
      accessToken: token,
      fetchApi: (url, init) => fetch(url, { ...init, signal: AbortSignal.timeout(20_000) }),
    }),
  );

const list = (query, token = "good-token") => api(token).stagesAuthenticatorSmsListRaw(query);

const create = (authenticatorSMSStageRequest, token = "good-token") =>
  api(token).stagesAuthenticatorSmsCreateRaw({ authenticatorSMSStageRequest });

const retrieve = (stageUuid = stage.pk, token = "good-token") => api(token).stagesAuthenticatorSmsRetrieveRaw({ stageUuid });

const patch = (request, { uuid = stage.pk, token = "good-token", headers = {} } = {}) =>
  api(token).stagesAuthenticatorSmsPartialUpdateRaw(
    { stageUuid: uuid, patchedAuthenticatorSMSStageRequest: request },
    async ({ init }) => ({ headers: { ...init.headers, ...headers } }),
  );

const put = (request) =>
  api("good-token").stagesAuthenticatorSmsUpdateRaw({ stageUuid: stage.pk, authenticatorSMSStageRequest: request });

const destroy = (stageUuid, token = "good-token") => api(token).stagesAuthenticatorSmsDestroyRaw({ stageUuid });

const usedBy = (stageUuid, token = "good-token") => api(token).stagesAuthenticatorSmsUsedByListRaw({ stageUuid });

const flowRequest = (name, slug, optional = {}) => ({
  name,
  slug,
  title: name,
  designation: client.FlowDesignationEnum.Enrollment,
  ...optional,
});

// The document with the client's names for its keys, and `undefined` for null. It is computed here, so that the client's
// decoding is compared with something that the client did not make. Keys unknown to this release are left out.
const camel = (key) => key.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const typedFlow = (document) => typed(document, own.flow);
const typed = (document, keys = own.stage) =>
  Object.fromEntries(
    keys.map((key) => [camel(key), key === "flow_set" ? document[key].map(typedFlow) : (document[key] ?? undefined)]),
  );

const etag = async () => (await retrieve()).raw.headers.get("etag");

/** The stage as the server shows it. */
function shown(document, toEditor = true) {
  const secret = (value) => (toEditor ? value : "");
  const values = {
    ...document,
    friendly_name: document.friendly_name || contract.no_friendly_name,
    auth: secret(document.auth),
    auth_password: secret(document.auth_password),
    flow_set: document.flow_set.map((each) =>
      pick({ ...each, background_url: each.background }, contract.flow),
    ),
  };
  return pick(values, contract.stage);
}

const pick = (document, keys) => Object.fromEntries(keys.map((key) => [key, document[key]]));

/** Asserts that the answer is the whole expected document: its text, with the order of keys, and its typed form. */
async function isStage(answer, { expected = stage, status = 200, toEditor = true } = {}) {
  const document = shown(expected, toEditor);
  assert.equal(answer.raw.status, status);
  assert.equal(JSON.stringify(await answer.raw.clone().json()), JSON.stringify(document));
  const value = await answer.value();
  assert.ok(client.instanceOfAuthenticatorSMSStage(value));
  assert.deepEqual(value, typed(document));
  return value;
}

/** Asserts that the answer is a page with these stages, in this order. */
async function isPage(answer, expected, { toEditor = true, ...pagination } = {}) {
  const page = {
    pagination: {
      next: 0,
      previous: 0,
      count: expected.length,
      current: 1,
      total_pages: 1,
      start_index: expected.length > 0 ? 1 : 0,
      end_index: expected.length,
      ...pagination,
    },
    results: expected.map((document) => shown(document, toEditor)),
    autocomplete: {},
  };
  assert.equal(answer.raw.status, 200);
  assert.equal(JSON.stringify(await answer.raw.clone().json()), JSON.stringify(pick(page, contract.list)));
  const value = await answer.value();
  assert.deepEqual(value.pagination, pickCamel(page.pagination));
  assert.deepEqual(value.results, page.results.map((document) => typed(document)));
}

const pickCamel = (document) => Object.fromEntries(Object.entries(document).map(([key, value]) => [camel(key), value]));

const byName = () => stages.toSorted((one, two) => Buffer.compare(Buffer.from(one.name), Buffer.from(two.name)));

/** Asserts that the call fails with this status and this body, and does not change the stage. */
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

const forbidden = (call) => refused(403, client.GenericErrorFromJSON, permissionDenied, call);

const missing = (call, body = notFound) => refused(404, client.GenericErrorFromJSON, body, call);

check("lists all stages", async () => {
  const all = byName();
  const size = contract.page_size.default;
  const pages = Math.ceil(all.length / size);
  for (let page = 1; page <= pages; page += 1) {
    const first = (page - 1) * size;
    const onPage = all.slice(first, first + size);
    await isPage(await list(page > 1 ? { page } : {}), onPage, {
      count: all.length,
      total_pages: pages,
      current: page,
      previous: page - 1,
      next: page < pages ? page + 1 : 0,
      start_index: first + 1,
      end_index: first + onPage.length,
    });
  }
});

check("lists a page in an order", async () => {
  const all = byName().reverse();
  await isPage(await list({ ordering: "-name", page: 2, pageSize: 3 }), all.slice(3, 6), {
    count: all.length,
    total_pages: Math.ceil(all.length / 3),
    current: 2,
    previous: 1,
    next: 3,
    start_index: 4,
    end_index: 6,
  });
});

check("filters a list", async () => {
  for (const [query, fits] of [
    [{ name: stage.name }, ({ name }) => name === stage.name],
    [{ stageUuid: stage.pk }, ({ pk }) => pk === stage.pk],
    [{ fromNumber: "+15005550006" }, ({ from_number }) => from_number === "+15005550006"],
    [{ provider: client.ProviderEnum.Generic }, ({ provider }) => provider === "generic"],
    [
      { authType: client.AuthTypeEnum.Bearer, verifyOnly: false },
      ({ auth_type, verify_only }) => auth_type === "bearer" && !verify_only,
    ],
    [{ configureFlow: stage.configure_flow }, ({ configure_flow }) => configure_flow === stage.configure_flow],
    [{ search: "SMS" }, ({ name }) => name.toLowerCase().includes("sms")],
  ]) {
    const found = byName().filter(fits);
    assert.notEqual(found.length, 0);
    await isPage(await list({ pageSize: 100, ...query }), found);
  }
  await isPage(await list({ name: "no such name" }), []);
});

check("lists for a token that may only view", async () => {
  await isPage(await list({ pageSize: 5 }, "viewer-token"), byName().slice(0, 5), {
    toEditor: false,
    count: stages.length,
    total_pages: Math.ceil(stages.length / 5),
    next: 2,
    end_index: 5,
  });
});

check("reads the errors of a list", async () => {
  await invalid({ provider: ["Select a valid choice. pigeon is not one of the available choices."] }, () =>
    list({ provider: "pigeon" }),
  );
  await missing(() => list({ page: 1000 }), { detail: "Invalid page.", code: "not_found" });
  await forbidden(() => list({}, "nothing-token"));
});

check("looks up flows, stages and the configuration", async () => {
  const stagesFound = await api("good-token").stagesAllList({ name: stage.name });
  assert.deepEqual(stagesFound.results.map(({ pk, name, component }) => [pk, name, component]), [
    [stage.pk, stage.name, stage.component],
  ]);
  const slugs = stage.flow_set.map(({ slug }) => slug);
  assert.deepEqual(stagesFound.results[0].flowSet.map(({ slug }) => slug), slugs);

  const flows = api("good-token", client.FlowsApi);
  const { slug, title } = fixture.flows[3];
  const flowsFound = await flows.flowsInstancesList({ slug });
  assert.deepEqual(flowsFound.results.map((found) => [found.pk, found.slug, found.title]), [[flow, slug, title]]);
  assert.deepEqual((await flows.flowsInstancesList({ slug: "no-such-flow" })).results, []);

  const config = await api("", client.RootApi).rootConfigRetrieve();
  assert.equal(config.errorReporting.enabled, false);
});

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

check("retrieves with a token that may only view", async () => {
  await isStage(await retrieve(stage.pk, "viewer-token"), { toEditor: false });
  await isStage(await retrieve(other.pk, "viewer-token"), { expected: other, toEditor: false });
});

check("shows what uses a stage", async () => {
  const flows = stage.flow_set.toSorted((one, two) => (one.pk < two.pk ? -1 : 1));
  const expected = flows.map(({ pk, name, slug }) => ({
    app: "authentik_flows",
    model_name: "flow",
    pk,
    name: `Flow ${name} (${slug})`,
    action: client.UsedByActionEnum.CascadeMany,
  }));
  const answer = await usedBy(stage.pk);
  assert.equal(JSON.stringify(await answer.raw.clone().json()), JSON.stringify(expected));
  assert.deepEqual(await answer.value(), expected.map(pickCamel));
  assert.deepEqual(await (await usedBy(stage.pk, "viewer-token")).value(), []);
  assert.deepEqual(await (await usedBy(other.pk)).value(), []);
  await missing(() => usedBy(unknown));
});

check("changes only the fields that are sent", async () => {
  const answer = await patch({ name: "renamed", verifyOnly: true, authType: client.AuthTypeEnum.Bearer });
  Object.assign(stage, { name: "renamed", verify_only: true, auth_type: "bearer" });
  await isStage(answer);
  await isStage(await retrieve());
});

check("changes a stage without flows", async () => {
  const answer = await patch({ verifyOnly: true }, { uuid: other.pk });
  Object.assign(other, { verify_only: true });
  await isStage(answer, { expected: other });
  await isStage(await retrieve(other.pk), { expected: other });
});

check("changes where messages go", async () => {
  const address = { provider: client.ProviderEnum.Generic, accountSid: "https://sms.example.com/a" };
  if (hidesSecrets) {
    const error = await patch(address).catch((thrown) => thrown);
    assert.equal(error.response?.status, 400);
    assert.deepEqual(Object.keys(await error.response.json()), ["auth", "auth_password", "code"]);
    await isStage(await retrieve());
  }
  const answer = await patch({ ...address, auth: "new-auth", authPassword: "new-password" });
  Object.assign(stage, {
    provider: "generic",
    account_sid: "https://sms.example.com/a",
    auth: "new-auth",
    auth_password: "new-password",
  });
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
  const answer = await patch({ configureFlow: null, mapping: null });
  Object.assign(stage, { configure_flow: null, mapping: null });
  await isStage(answer);
  await isStage(await retrieve());
});

check("removes a display name", async () => {
  await isStage(await patch({ friendlyName: "Mobile" }), { expected: { ...stage, friendly_name: "Mobile" } });
  // The client's release has one way to remove it. A server without a release accepts both.
  const answer = await patch({ friendlyName: own.no_friendly_name });
  stage.friendly_name = null;
  await isStage(answer);
  await isStage(await retrieve());
});

check("changes nothing without a request", async () => {
  const before = await etag();
  const answer = await patch(undefined);
  await isStage(answer);
  assert.equal(answer.raw.headers.get("etag"), before);
});

check("changes nothing with an empty request", async () => {
  const before = await etag();
  const answer = await patch({});
  await isStage(answer);
  assert.equal(answer.raw.headers.get("etag"), before);
});

check("reads a 400 about a null request", () =>
  invalid({ non_field_errors: ["No data provided"] }, () => patch(null)));

checkIf(own.flow_set_writable, "replaces the flows", async () => {
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
  const { auth } = stage;
  await isStage(await put({ ...(await (await retrieve()).value()), auth }));
  await isStage(await retrieve());
});

checkIf(own.flow_set_writable, "removes all flows", async () => {
  const answer = await patch({ flowSet: [] });
  stage.flow_set = [];
  await isStage(answer);
});

check("updates in full", async () => {
  const secrets = hidesSecrets ? { authPassword: "kept" } : {};
  let answer = await put({ ...required, name: "sms-setup", ...secrets });
  Object.assign(stage, {
    name: "sms-setup",
    provider: "generic",
    from_number: "+15005550009",
    account_sid: "https://sms.example.com/send",
    auth: "another",
    ...(hidesSecrets && { auth_password: "kept" }),
  }); // optional fields that are absent are unchanged
  await isStage(answer);

  answer = await put({
    ...required,
    name: "sms-setup",
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

check("creates a stage from the required fields", async () => {
  const answer = await create(required);
  const { pk } = await answer.raw.clone().json();
  assert.match(pk, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  const made = {
    ...other,
    pk,
    name: "made-by-node",
    flow_set: [],
    configure_flow: null,
    friendly_name: null,
    provider: "generic",
    from_number: "+15005550009",
    account_sid: "https://sms.example.com/send",
    auth: "another",
    auth_password: "",
    auth_type: "basic",
    verify_only: false,
    mapping: null,
  };
  stages.push(made);
  await isStage(answer, { expected: made, status: 201 });
  await isStage(await retrieve(pk), { expected: made });
  await isPage(await list({ name: made.name }), [made]);
});

check("creates a stage from all fields", async () => {
  const answer = await create({
    ...required,
    name: "made-in-full",
    configureFlow: flow,
    friendlyName: "Mobile",
    authPassword: "secret",
    authType: client.AuthTypeEnum.Bearer,
    verifyOnly: true,
    mapping,
    ...(own.flow_set_writable && { flowSet: [flowRequest("New", "brand-new")] }),
  });
  const got = await answer.raw.clone().json();
  const made = {
    ...other,
    pk: got.pk,
    name: "made-in-full",
    flow_set: got.flow_set.map(({ pk, policybindingmodel_ptr_id }) => ({
      pk,
      policybindingmodel_ptr_id,
      name: "New",
      slug: "brand-new",
      title: "New",
      designation: "enrollment",
      background: "/static/dist/assets/images/flow_background.jpg",
      policy_engine_mode: "any",
      compatibility_mode: false,
      export_url: "/api/v3/flows/instances/brand-new/export/",
      layout: "stacked",
      denied_action: "message_continue",
    })),
    configure_flow: flow,
    friendly_name: "Mobile",
    provider: "generic",
    from_number: "+15005550009",
    account_sid: "https://sms.example.com/send",
    auth: "another",
    auth_password: "secret",
    auth_type: "bearer",
    verify_only: true,
    mapping,
  };
  assert.equal(made.flow_set.length, own.flow_set_writable ? 1 : 0);
  stages.push(made);
  await isStage(answer, { expected: made, status: 201 });
  await isStage(await retrieve(made.pk), { expected: made });
});

check("reads the errors of a create", async () => {
  await invalid({ name: ["stage with this name already exists."] }, () => create({ ...required, name: other.name }));
  await invalid(
    {
      configure_flow: [`Invalid pk "${unknown}" - object does not exist.`],
      from_number: ["This field may not be blank."],
    },
    () => create({ ...required, name: "bad", fromNumber: "", configureFlow: unknown }),
  );
  await forbidden(() => create({ ...required, name: "bad" }, "viewer-token"));
  await isPage(await list({ name: "bad" }), []);
});

check("destroys a stage", async () => {
  const { pk, name } = stages.pop();
  assert.equal(name, "made-in-full");
  await forbidden(() => destroy(pk, "viewer-token"));
  const answer = await destroy(pk);
  assert.equal(answer.raw.status, 204);
  assert.equal(await answer.value(), undefined);
  assert.equal(await answer.raw.text(), "");
  for (const call of [retrieve, destroy, usedBy]) await missing(() => call(pk));
  await isPage(await list({ name }), []);
  // The name is free at once.
  const again = await (await create({ ...required, name })).value();
  assert.notEqual(again.pk, pk);
  await destroy(again.pk);
});

check("reads a 400 about several fields", () =>
  invalid(
    {
      name: ["stage with this name already exists."],
      configure_flow: [`Invalid pk "${unknown}" - object does not exist.`],
      provider: ['"pigeon" is not a valid choice.'],
      mapping: ["“nope” is not a valid UUID."],
    },
    () =>
      patch({ name: other.name, configureFlow: unknown, provider: "pigeon", mapping: "nope" }),
  ));

checkIf(own.flow_set_writable, "reads a 400 about some of several flows", () =>
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

check("reads a 400 about missing fields of a full update", () =>
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
    // "", because `undefined` would be replaced by the good token.
    await refused(403, client.GenericErrorFromJSON, { detail, code }, () =>
      patch({ name: "refused" }, { token: token ?? "" }),
    );
  }
});

check("reads a 404", async () => {
  await missing(() => patch({ name: "nowhere" }, { uuid: unknown }));
  await missing(() => retrieve(unknown));
});

let failed = 0;
for (const server of served) {
  const [setting, url] = server.split(/=(.*)/);
  start(setting, url);
  for (const [sentence, run] of checks) {
    try {
      await run();
      console.log(`ok - ${setting}: ${sentence}`);
    } catch (error) {
      failed += 1;
      console.log(`not ok - ${setting}: ${sentence}`);
      console.error(error);
    }
  }
}
process.exitCode = failed > 0 ? 1 : 0;
