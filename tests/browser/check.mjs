// Uses the page that `sms-stage serve` shows as a person would, in a real browser.
//
//     node check.mjs INSTALLED CHROMIUM DEMO_URL DEMO_TOKEN LOADED_URL SCREENSHOT PHONE_SCREENSHOT
//
// INSTALLED is the directory with node_modules. The server at DEMO_URL has the demo data, the one at LOADED_URL has other
// data. Checks run in the order of this file; each continues from the state in which the one before it left the page.
// Prints a TAP line per check; exits with 1 if any failed.

import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [installed, chromium, demoUrl, token, loadedUrl, screenshot, phoneScreenshot] = process.argv.slice(2);
const { chromium: launcher } = createRequire(resolve(installed, "package.json"))("playwright-core");

const STAGES_PATH = "/stages/authenticator/sms/";
const STAGE_PATH = `${STAGES_PATH}5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9/`;
// The README's picture is downloaded with the README.
const SCREENSHOT_BYTES_MAX = 300_000;
const DESKTOP = { width: 1200, height: 900 };
const PHONE = { width: 390, height: 844 };

const browser = await launcher.launch({
  executablePath: chromium,
  // No name is resolved, so a request to another host fails even if it is not caught below.
  args: ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
  timeout: 60_000,
});

// The requests of all pages to other hosts, and the errors and warnings of all pages.
const strays = [];
const complaints = [];

/** A page that can reach only this server. */
async function open(url, options = {}) {
  const context = await browser.newContext({ viewport: DESKTOP, serviceWorkers: "block", ...options });
  context.setDefaultTimeout(20_000);
  await context.route("**/*", (route) => {
    if (route.request().url().startsWith(`${url}/`)) return route.continue();
    strays.push(route.request().url());
    return route.abort();
  });
  const page = await context.newPage();
  page.on("console", (message) => {
    // The browser itself logs this for every refusal.
    const isRefusal = message.text().startsWith("Failed to load resource: the server responded with a status of 4");
    if (["error", "warning"].includes(message.type()) && !isRefusal) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("requestfailed", (request) => complaints.push(`failed: ${request.url()}`));
  await page.goto(`${url}/`);
  await page.locator(".opblock").first().waitFor();
  return page;
}

/** The answer that a client without a browser gets. */
async function fetchJson(path) {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(demoUrl + path, { headers, signal: AbortSignal.timeout(20_000) });
  assert.equal(answer.status, 200);
  return answer.json();
}

const stage = () => fetchJson(STAGE_PATH);

/** An operation on a page, expanded. */
async function unfold(page, operationId) {
  const operation = page.locator(`.opblock[id$="-${operationId}"]`);
  const control = operation.locator(".opblock-summary-control");
  if ((await control.getAttribute("aria-expanded")) !== "true") await control.click();
  await operation.getByRole("button", { name: "Execute" }).waitFor();
  return operation;
}

/**
 * Fills in an operation and executes it. Returns the request and the answer on the wire, the answer as shown, and the
 * page's explanation of it.
 */
async function execute(page, operationId, { stageUuid, ifMatch, body } = {}) {
  const operation = await unfold(page, operationId);
  const clear = operation.getByRole("button", { name: "Clear", exact: true });
  if (await clear.isVisible()) await clear.click();
  const fill = (name, value) => operation.locator(`tr[data-param-name="${name}"] input`).fill(value);
  if (stageUuid !== undefined) await fill("stage_uuid", stageUuid);
  if (ifMatch !== undefined) await fill("If-Match", ifMatch);
  if (body) await operation.locator("textarea.body-param__text").fill(JSON.stringify(body, null, 2));
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.url().includes("/stages/")),
    operation.getByRole("button", { name: "Execute" }).click(),
  ]);
  const shown = operation.locator(".live-responses-table .response").first();
  await shown.waitFor();
  const status = await shown.locator(".response-col_status").innerText();
  assert.ok(status.startsWith(String(answer.status())), status);
  const words = await operation.locator(".words").innerText();
  return { request: answer.request(), answer, shown, words };
}

/** What exceeds the viewport on the right and cannot be scrolled in place. */
const tooWide = (page) =>
  page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const scrolls = (element) =>
      element !== null &&
      element !== document.body &&
      (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
    const wide = [...document.body.querySelectorAll("*")].filter((element) => {
      const { right, width: own } = element.getBoundingClientRect();
      return own > 0 && right > width + 0.5 && !scrolls(element.parentElement);
    });
    const name = (element) => `${element.tagName.toLowerCase()}.${String(element.className.baseVal ?? element.className)}`;
    const page = document.documentElement.scrollWidth;
    return [...(page > width ? [`the page: ${page} px`] : []), ...wide.map(name)];
  });

async function unfoldAll(page) {
  const folded = page.locator('.opblock-summary-control[aria-expanded="false"]');
  await folded.evaluateAll((controls) => controls.forEach((control) => control.click()));
  await folded.first().waitFor({ state: "detached" });
}

const checks = [];
const check = (sentence, run) => checks.push([sentence, run]);

const background = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

const page = await open(demoUrl);
const patch = page.locator(".opblock-patch");

check("shows every operation of the document", async () => {
  assert.match(await page.locator(".info .title").innerText(), /^SMS Authenticator Setup Stage/);
  const { paths } = await fetchJson("/openapi.json");
  const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
  const described = Object.entries(paths).flatMap(([path, item]) =>
    methods.filter((method) => method in item).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const shown = await page.locator(".opblock-summary").evaluateAll((summaries) =>
    summaries.map((summary) => {
      const method = summary.querySelector(".opblock-summary-method").textContent;
      return `${method} ${summary.querySelector(".opblock-summary-path").dataset.path}`;
    }),
  );
  assert.deepEqual(shown.toSorted(), described.toSorted());
});

check("shows the PATCH of a stage first and expanded, ready to be tried", async () => {
  assert.equal(await page.locator(".opblock-summary-method").first().innerText(), "PATCH");
  await patch.getByRole("button", { name: "Execute" }).waitFor();
  assert.equal(await page.locator(".opblock.is-open").count(), 1);
});

check("offers the server's address, in JSON and in YAML", async () => {
  const servers = await page.locator(".servers option").allInnerTexts();
  const urls = servers.map((text) => text.split(" ")[0]);
  assert.deepEqual(urls, [`${demoUrl}/api/v3`, `${demoUrl}/`]);
  for (const [name, type] of [["openapi.json", "application/json"], ["openapi.yaml", "application/yaml"]]) {
    const answer = await fetch(`${demoUrl}/${name}`, { signal: AbortSignal.timeout(20_000) });
    assert.equal(answer.headers.get("content-type"), type);
    const text = await answer.text();
    for (const url of urls) assert.ok(text.includes(url), `${name} has no ${url}`);
  }
});

check("authorizes with the demo token in one click", async () => {
  assert.equal(await page.locator(".btn.authorize.locked").count(), 0);
  await page.getByRole("button", { name: "Authorize with the demo token" }).click();
  await page.locator(".btn.authorize.locked").waitFor();
  assert.match(await page.locator("#token").getByRole("status").innerText(), /^Authorized\./);
});

check("sends a PATCH and shows the changed stage", async () => {
  const before = await stage();
  const body = { friendly_name: "Sent from a browser", verify_only: true };
  assert.notEqual(before.friendly_name, body.friendly_name);

  const { request, answer, shown, words } = await execute(page, "stages_authenticator_sms_partial_update", { body });
  assert.equal(request.method(), "PATCH");
  assert.equal(request.url(), `${demoUrl}/api/v3${STAGE_PATH}`);
  assert.equal((await request.allHeaders()).authorization, `Bearer ${token}`);
  assert.equal(answer.status(), 200);
  assert.equal(words, "Done.");
  const expected = { ...before, ...body };
  assert.equal(await answer.text(), JSON.stringify(expected));
  assert.deepEqual(JSON.parse(await shown.locator("pre").first().innerText()), expected);
  assert.match(await shown.innerText(), /etag: "2-[0-9a-f]{8}"/);
  assert.deepEqual(await stage(), expected);
});

check("takes a screenshot", async () => {
  // The body's text area, sized for long bodies, would push the answer out of the picture.
  const style = "textarea.body-param__text { height: 90px !important; min-height: 0 !important; }";
  await page.addStyleTag({ content: style });
  await page.setViewportSize({ width: 1100, height: 1150 });
  await patch.locator(".opblock-section-request-body").evaluate((element) => element.scrollIntoView());
  await page.screenshot({ path: screenshot });
  const { size } = statSync(screenshot);
  assert.ok(size > 10_000 && size < SCREENSHOT_BYTES_MAX, `${size} bytes`);
});

check("explains a conflict, and a request without a token", async () => {
  const conflict = await execute(page, "stages_authenticator_sms_partial_update", { ifMatch: '"1-00000000"' });
  assert.equal(conflict.answer.status(), 412);
  assert.match(conflict.words, /^Conflict: the stage has changed/);
  await execute(page, "stages_authenticator_sms_partial_update", { ifMatch: "" });

  const other = await open(demoUrl);
  const refused = await execute(other, "stages_authenticator_sms_partial_update");
  assert.equal(refused.answer.status(), 403);
  assert.match(refused.words, /^Refused: no token was sent/);
  await other.context().close();
});

check("warns of a stage that was only partly moved to another provider", async () => {
  const move = (provider) => execute(page, "stages_authenticator_sms_partial_update", { body: { provider } });
  const moved = await move("generic");
  assert.equal(moved.answer.status(), 200);
  assert.match(moved.words, /^Done\. Warning: the provider is generic, and account_sid is not a URL\./);
  assert.equal((await move("twilio")).words, "Done.");
});

// The stage that the next checks create, change and delete.
let created;

check("creates a stage, and lists it", async () => {
  const body = {
    name: "made-in-a-browser",
    provider: "generic",
    from_number: "+15005550006",
    account_sid: "https://sms.example.com/send",
    auth: "not-a-secret",
  };
  const { request, answer, words } = await execute(page, "stages_authenticator_sms_create", { body });
  assert.equal(request.method(), "POST");
  assert.equal(request.url(), `${demoUrl}/api/v3${STAGES_PATH}`);
  assert.equal(answer.status(), 201);
  assert.equal(words, "Created.");
  created = await answer.json();
  assert.equal(created.name, body.name);

  const listed = await execute(page, "stages_authenticator_sms_list");
  assert.equal(listed.answer.status(), 200);
  const { pagination, results } = await listed.answer.json();
  assert.equal(pagination.count, results.length);
  assert.deepEqual(results.find(({ pk }) => pk === created.pk), created);
  assert.ok((await listed.shown.innerText()).includes(created.pk));
});

check("explains why a stage is refused", async () => {
  const body = { ...created, name: created.name };
  const { answer, words } = await execute(page, "stages_authenticator_sms_create", { body });
  assert.equal(answer.status(), 400);
  assert.match(words, /^Refused: nothing was changed\./);
});

check("changes the stage that was created", async () => {
  const body = { friendly_name: "Created here" };
  const stageUuid = created.pk;
  const { answer, words } = await execute(page, "stages_authenticator_sms_partial_update", { stageUuid, body });
  assert.equal(answer.status(), 200);
  assert.equal(words, "Done.");
  created.friendly_name = body.friendly_name;
  assert.deepEqual(await answer.json(), created);
  assert.deepEqual(await fetchJson(`${STAGES_PATH}${stageUuid}/`), created);
});

check("deletes it, and no longer finds it", async () => {
  const stageUuid = created.pk;
  const deleted = await execute(page, "stages_authenticator_sms_destroy", { stageUuid });
  assert.equal(deleted.request.method(), "DELETE");
  assert.equal(deleted.answer.status(), 204);
  assert.equal(deleted.words, "Deleted.");
  const gone = await execute(page, "stages_authenticator_sms_retrieve", { stageUuid });
  assert.equal(gone.answer.status(), 404);
  assert.match(gone.words, /^Not found: /);
  const { results } = await fetchJson(STAGES_PATH);
  assert.ok(results.every(({ pk }) => pk !== stageUuid));
});

check("reads the stage, also at the other server address", async () => {
  const expected = await stage();
  const stageUuid = expected.pk;
  const first = await execute(page, "stages_authenticator_sms_retrieve", { stageUuid });
  assert.equal(first.request.url(), `${demoUrl}/api/v3${STAGE_PATH}`);
  assert.deepEqual(await first.answer.json(), expected);
  await page.locator(".servers select").selectOption(`${demoUrl}/`);
  const second = await execute(page, "stages_authenticator_sms_retrieve", { stageUuid });
  assert.equal(second.request.url(), demoUrl + STAGE_PATH);
  assert.deepEqual(await second.answer.json(), expected);
});

check("fits a desktop with every operation expanded", async () => {
  await unfoldAll(page);
  assert.deepEqual(await tooWide(page), []);
});

check("fits a phone, and changes a stage there", async () => {
  const phone = await open(demoUrl, { viewport: PHONE });
  assert.deepEqual(await tooWide(phone), []);
  await phone.getByRole("button", { name: "Authorize with the demo token" }).click();
  await phone.locator(".btn.authorize.locked").waitFor();
  const { answer } = await execute(phone, "stages_authenticator_sms_partial_update", { body: { verify_only: false } });
  assert.equal(answer.status(), 200);
  await phone.locator(".opblock-patch .words").evaluate((element) => element.scrollIntoView({ block: "center" }));
  await phone.screenshot({ path: phoneScreenshot });
  assert.deepEqual(await tooWide(phone), []);
  await unfoldAll(phone);
  assert.deepEqual(await tooWide(phone), []);
  await phone.context().close();
});

check("follows the preference for dark pages", async () => {
  const dark = await open(demoUrl, { colorScheme: "dark" });
  assert.equal(await background(dark), "rgb(28, 32, 34)");
  assert.equal(await background(page), "rgb(255, 255, 255)");
  await dark.emulateMedia({ colorScheme: "light" });
  await dark.waitForFunction(() => !document.documentElement.classList.contains("dark-mode"));
  assert.equal(await background(dark), "rgb(255, 255, 255)");
  await dark.context().close();
});

check("offers no token for data other than the demo's", async () => {
  const other = await open(loadedUrl);
  assert.equal(await other.getByRole("button", { name: "demo token" }).count(), 0);
  const html = await (await fetch(loadedUrl, { signal: AbortSignal.timeout(20_000) })).text();
  for (const word of ["good-token", "viewer-token", "demo-"]) assert.ok(!html.includes(word), word);
  assert.match(await other.locator("#token").innerText(), /sms-stage token create/);
  await other.getByRole("button", { name: "Authorize" }).first().click();
  assert.match(await other.locator(".auth-container").innerText(), /sms-stage token create/);
  await other.context().close();
});

check("sends no request to another host", async () => assert.deepEqual(strays, []));

check("causes no error or warning in the console", async () => assert.deepEqual(complaints, []));

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
await browser.close();
process.exitCode = failed > 0 ? 1 : 0;
