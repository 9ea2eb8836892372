// What a person does with the page that `sms-stage serve` shows, in a real browser.
//
//     node check.mjs INSTALLED CHROMIUM DEMO_URL DEMO_TOKEN LOADED_URL SCREENSHOT
//
// INSTALLED is the directory that holds node_modules. The server at DEMO_URL has the demo data, the one at LOADED_URL
// data of its own. Checks run in the order they stand in: each goes on where the one before it left the page. Prints a
// TAP line per check; exits 1 if any failed.

import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [installed, chromium, demoUrl, token, loadedUrl, screenshot] = process.argv.slice(2);
const { chromium: launcher } = createRequire(resolve(installed, "package.json"))("playwright-core");

const STAGE_PATH = "/stages/authenticator/sms/5f2d7c1e-8a44-4b0e-9c3d-6a1be0f7d2a9/";
// A picture in a README is downloaded by everybody who looks at it.
const SCREENSHOT_BYTES_MAX = 300_000;

const browser = await launcher.launch({
  executablePath: chromium,
  // No name is looked up, so that a request to elsewhere fails even if it were not caught below.
  args: ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
  timeout: 60_000,
});

// Everything that any page asked for elsewhere, and everything that it complained of.
const strays = [];
const complaints = [];

/** A page that can reach nothing but this server. */
async function open(url) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, serviceWorkers: "block" });
  context.setDefaultTimeout(20_000);
  await context.route("**/*", (route) => {
    if (route.request().url().startsWith(`${url}/`)) return route.continue();
    strays.push(route.request().url());
    return route.abort();
  });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("requestfailed", (request) => complaints.push(`failed: ${request.url()}`));
  await page.goto(`${url}/`);
  await page.locator(".opblock").first().waitFor();
  return page;
}

/** The stage as a client without a browser sees it. */
async function stage() {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(demoUrl + STAGE_PATH, { headers, signal: AbortSignal.timeout(20_000) });
  assert.equal(answer.status, 200);
  return answer.json();
}

/** Executes what is filled in, and gives the request and the answer that went over the wire, and what is shown. */
async function execute(operation) {
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.url().includes("/stages/")),
    operation.getByRole("button", { name: "Execute" }).click(),
  ]);
  const shown = operation.locator(".live-responses-table .response").first();
  await shown.waitFor();
  return { request: answer.request(), answer, shown };
}

const checks = [];
const check = (sentence, run) => checks.push([sentence, run]);

const page = await open(demoUrl);
const patch = page.locator(".opblock-patch");
const get = page.locator(".opblock-get");

check("shows every method of the document", async () => {
  assert.match(await page.locator(".info .title").innerText(), /^SMS Authenticator Setup Stage/);
  const methods = await page.locator(".opblock-summary-method").allInnerTexts();
  assert.deepEqual(methods, ["GET", "HEAD", "OPTIONS", "PUT", "PATCH"]);
});

check("offers the served address, in JSON and in YAML", async () => {
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

check("authorizes with the demo token by one click", async () => {
  assert.equal(await page.locator(".btn.authorize.locked").count(), 0);
  await page.getByRole("button", { name: "Authorize with the demo token" }).click();
  await page.locator(".btn.authorize.locked").waitFor();
  assert.match(await page.getByRole("status").innerText(), /^Authorized\./);
});

check("sends a PATCH and shows the changed stage", async () => {
  const before = await stage();
  await patch.locator(".opblock-summary-control").click();
  await patch.getByRole("button", { name: "Try it out" }).click();
  const body = { friendly_name: "Sent from a browser", verify_only: true };
  assert.notEqual(before.friendly_name, body.friendly_name);
  await patch.locator("textarea.body-param__text").fill(JSON.stringify(body, null, 2));

  const { request, answer, shown } = await execute(patch);
  assert.equal(request.method(), "PATCH");
  assert.equal(request.url(), `${demoUrl}/api/v3${STAGE_PATH}`);
  assert.equal((await request.allHeaders()).authorization, `Bearer ${token}`);
  assert.equal(answer.status(), 200);
  assert.match(await shown.locator(".response-col_status").innerText(), /^200/);
  const expected = { ...before, ...body };
  assert.equal(await answer.text(), JSON.stringify(expected));
  assert.deepEqual(JSON.parse(await shown.locator("pre").first().innerText()), expected);
  assert.match(await shown.innerText(), /etag: "2-[0-9a-f]{8}"/);
  assert.deepEqual(await stage(), expected);
});

check("takes a picture", async () => {
  // The body's box, which is made for long bodies, would push the answer out of the picture.
  const style = "textarea.body-param__text { height: 90px !important; min-height: 0 !important; }";
  await page.addStyleTag({ content: style });
  await page.setViewportSize({ width: 1100, height: 1150 });
  await patch.locator(".opblock-section-request-body").evaluate((element) => element.scrollIntoView());
  await page.screenshot({ path: screenshot });
  const { size } = statSync(screenshot);
  assert.ok(size > 10_000 && size < SCREENSHOT_BYTES_MAX, `${size} bytes`);
});

check("reads the stage back, and by the other server's address", async () => {
  const expected = await stage();
  await get.locator(".opblock-summary-control").click();
  await get.getByRole("button", { name: "Try it out" }).click();
  const first = await execute(get);
  assert.equal(first.request.url(), `${demoUrl}/api/v3${STAGE_PATH}`);
  assert.deepEqual(await first.answer.json(), expected);
  await page.locator(".servers select").selectOption(`${demoUrl}/`);
  const second = await execute(get);
  assert.equal(second.request.url(), demoUrl + STAGE_PATH);
  assert.deepEqual(await second.answer.json(), expected);
});

check("has no token to offer for other data than the demo's", async () => {
  const other = await open(loadedUrl);
  assert.equal(await other.getByRole("button", { name: "demo token" }).count(), 0);
  const html = await (await fetch(loadedUrl, { signal: AbortSignal.timeout(20_000) })).text();
  for (const word of ["good-token", "viewer-token", "demo-"]) assert.ok(!html.includes(word), word);
  await other.context().close();
});

check("asks nothing of anybody else", async () => assert.deepEqual(strays, []));

check("leaves no complaint in the console", async () => assert.deepEqual(complaints, []));

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
