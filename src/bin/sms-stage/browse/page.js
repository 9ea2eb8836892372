// Shows the document with the PATCH of a stage unfolded, explains what each answer means, and passes the demo's
// token to Swagger UI.
"use strict";

const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const followPreference = () => document.documentElement.classList.toggle("dark-mode", prefersDark.matches);
followPreference();
prefersDark.addEventListener("change", followPreference);

const banner = document.getElementById("token");
const { token } = banner.dataset;

const WORDS = {
  201: "Created.",
  204: "Deleted.",
  304: "Not modified: the stage is still the version that you have.",
  403: "Refused: the token does not permit this.",
  404: "Not found: there is no such stage, or the token may not view it.",
  409: "Conflict: other requests are changing the stage. Nothing was changed; try again.",
  412: "Conflict: the stage has changed since the version that you sent. Nothing was changed. Read the stage, " +
    "then send the change with its new ETag.",
  413: "Refused: the body is too large.",
  415: "Refused: the content type of the body is not JSON.",
  500: "Failed: the terminal shows why.",
  503: "Failed for now: try again. The change may have been made nevertheless.",
};

const WORDS_BY_CODE = {
  authentication_failed: "Refused: the token is unknown or has expired.",
  invalid: "Refused: nothing was changed. The answer says what is wrong with each field.",
  not_authenticated: "Refused: no token was sent. Press Authorize.",
  parse_error: "Refused: the body is not JSON.",
};

// Returns a warning if the answer is a stage that was only partly moved to another provider.
function warning({ provider, account_sid: address }) {
  const isUrl = /^https?:\/\//.test(address ?? "");
  if (provider === "generic" && !isUrl) {
    return " Warning: the provider is generic, and account_sid is not a URL. Change provider, account_sid and auth together.";
  }
  if (provider === "twilio" && isUrl) {
    return " Warning: the provider is twilio, and account_sid is a URL. Change provider, account_sid and auth together.";
  }
  return "";
}

function inWords(status, body) {
  let answer = {};
  try {
    answer = JSON.parse(body) ?? {};
  } catch {
    // The answer has no body, or is from another server.
  }
  const words = WORDS_BY_CODE[answer.code] ?? WORDS[status];
  return (words ?? (status < 400 ? "Done." : `Refused, with status ${status}.`)) + warning(answer);
}

// Returns the document as this page shows it: with its long description folded, without the header that every
// answer has, and with a description for the dialog.
function prepared(document) {
  const spec = structuredClone(document);
  if (spec.info?.description) {
    spec.info.description =
      `<details><summary>How the API behaves</summary>\n\n${spec.info.description}\n\n</details>`;
  }
  for (const response of Object.values(spec.components?.responses ?? {})) {
    delete response.headers?.["Cache-Control"];
  }
  const scheme = spec.components?.securitySchemes?.authentik;
  if (scheme) {
    scheme.description = token
      ? "The demo token is in the terminal; the button at the top of the page also enters it."
      : "The key of a token from `sms-stage token create`.";
  }
  return spec;
}

const plugin = ({ React }) => ({
  statePlugins: {
    spec: { wrapActions: { updateJsonSpec: (update) => (document) => update(prepared(document)) } },
  },
  wrapComponents: {
    liveResponse: (LiveResponse) => (props) => {
      const [status, body] = [props.response.get("status"), props.response.get("text")];
      const kind = status >= 200 && status < 400 ? "words done" : "words refused";
      const words = React.createElement("p", { className: kind, role: "status" }, inWords(status, body));
      return React.createElement("div", null, words, React.createElement(LiveResponse, props));
    },
  },
});

const ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  plugins: [plugin],
  tryItOutEnabled: true,
  // The validator's badge would send a request to another server.
  validatorUrl: null,
  onComplete: () => {
    // Unfolds the PATCH of a stage, the first operation of the document.
    const { layoutActions, specSelectors } = ui.getSystem();
    const patch = specSelectors.operations().find((operation) => operation.get("method") === "patch");
    const operation = patch?.get("operation");
    if (!operation || location.hash) return;
    layoutActions.show(["operations", operation.getIn(["tags", 0]), operation.get("operationId")], true);
  },
});

if (token) {
  const [button, words] = [banner.querySelector("button"), banner.querySelector("p")];
  button.addEventListener("click", () => {
    // "authentik" is the name of the scheme in openapi.yaml.
    ui.preauthorizeApiKey("authentik", token);
    words.textContent = "Authorized. Press Execute under PATCH: the answer is the changed stage.";
  });
  words.textContent = "This server has a demo stage. Its token is valid until the server stops, for at most 12 hours.";
  button.hidden = false;
}
