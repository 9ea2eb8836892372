// Shows the document, and puts a demo's token where Swagger UI keeps it.
"use strict";

const ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  // Its badge would ask a server elsewhere.
  validatorUrl: null,
});

const demo = document.getElementById("demo");
const { token } = demo.dataset;
if (token) {
  demo.querySelector("button").addEventListener("click", () => {
    // The name that openapi.yaml has for the scheme.
    ui.preauthorizeApiKey("authentik", token);
    demo.querySelector("p").textContent =
      "Authorized. Open PATCH, press “Try it out”, then “Execute”: the answer is the changed stage.";
  });
  demo.hidden = false;
}
