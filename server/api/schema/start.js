"use strict";
// validatorUrl is off: it would send the document's address to a service elsewhere.
SwaggerUIBundle({
  url: "/schema/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
});
