// The OpenAPI description as a plain page: no outside script is needed to read it.

const description = await (await fetch("/api/openapi.json")).json();
const main = document.getElementById("description");

function add(parent, name, text = "") {
  const element = parent.appendChild(document.createElement(name));
  element.textContent = text;
  return element;
}

function resolve(schema) {
  return schema?.$ref ? description.components.schemas[schema.$ref.split("/").pop()] : schema;
}

// What a value looks like: its own example, or one made of its parts.
function example(schema, depth = 0) {
  const found = resolve(schema) ?? {};
  if (found.examples?.length) return found.examples[0];
  if (found.enum) return found.enum[0];
  if (found.anyOf) return example(found.anyOf[0], depth);
  if (found.type === "array") return depth > 6 ? [] : [example(found.items, depth + 1)];
  if (found.properties) {
    return Object.fromEntries(Object.entries(found.properties).map(([name, part]) => [name, example(part, depth + 1)]));
  }
  return { object: {}, string: "", integer: 0, number: 0, boolean: false }[found.type] ?? null;
}

function kind(schema) {
  const found = resolve(schema) ?? {};
  if (found.enum) return found.enum.join(" | ");
  if (found.anyOf) return found.anyOf.filter((one) => one.type !== "null").map(kind).join(" | ");
  if (found.type === "array") return `${kind(found.items)} …`;
  const limits = [found.minimum, found.maximum].filter((limit) => limit !== undefined).join("–");
  return [found.format ?? found.type, found.const, limits].filter(Boolean).join(" ");
}

function parameters(section, route) {
  if (!route.parameters?.length) return;
  const table = add(section, "table");
  const head = add(table, "tr");
  for (const title of ["parameter", "type", "default", "meaning"]) add(head, "th", title);
  for (const parameter of route.parameters) {
    const row = add(table, "tr");
    add(add(row, "td"), "code", parameter.name);
    add(row, "td", kind(parameter.schema));
    add(row, "td", parameter.required ? "required" : String(parameter.schema?.default ?? ""));
    add(row, "td", parameter.description ?? "");
  }
}

function answers(section, route) {
  const schema = route.responses["200"]?.content?.["application/json"]?.schema;
  if (schema) {
    const details = add(section, "details");
    add(details, "summary", "answer");
    add(details, "pre", JSON.stringify(example(schema), null, 2));
  }
  const errors = Object.entries(route.responses).filter(([code]) => code >= "400");
  add(section, "p", errors.map(([code, one]) => `${code} ${one.description}`).join(" · ")).className = "errors";
}

add(main, "h1", `${description.info.title} API ${description.info.version}`);
for (const text of description.info.description.split("\n\n")) add(main, "p", text);
const link = add(add(main, "p"), "a", "/api/openapi.json");
link.href = "/api/openapi.json";
for (const [path, methods] of Object.entries(description.paths)) {
  for (const [method, route] of Object.entries(methods)) {
    const section = add(main, "section");
    add(add(section, "h2"), "code", `${method.toUpperCase()} ${path}`);
    add(section, "p", route.summary ?? "");
    if (route.description) add(section, "p", route.description);
    parameters(section, route);
    answers(section, route);
  }
}
