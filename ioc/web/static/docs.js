// The OpenAPI description as a plain page: no outside script is needed to read it.

const description = await (await fetch("/api/openapi.json")).json();
const main = document.getElementById("routes");

function add(parent, name, text = "") {
  const element = parent.appendChild(document.createElement(name));
  element.textContent = text;
  return element;
}

for (const [path, methods] of Object.entries(description.paths)) {
  for (const [method, route] of Object.entries(methods)) {
    const section = add(main, "section");
    add(add(section, "h3"), "code", `${method.toUpperCase()} ${path}`);
    add(section, "p", route.summary ?? "");
    const table = add(section, "table");
    for (const parameter of route.parameters ?? []) {
      const row = add(table, "tr");
      add(add(row, "td"), "code", parameter.name);
      add(row, "td", parameter.required ? "required" : "");
      add(row, "td", parameter.description ?? "");
    }
  }
}
