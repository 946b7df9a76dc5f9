// A table of figures: looked at first, entered when told to.

const form = document.getElementById("import");
const found = document.getElementById("found");
const mistakes = document.getElementById("mistakes");
const enter = document.getElementById("enter");
const words = form?.dataset;
const lang = document.body.dataset.lang;

async function hand(commit) {
  const file = form.elements.file.files[0];
  if (!file) return;
  enter.hidden = true;
  mistakes.replaceChildren();
  try {
    const answer = await fetch(`/api/v1/targets/import?commit=${commit}&lang=${lang}`, {
      method: "POST", body: file,
      headers: { "Content-Type": "application/octet-stream", "X-CSRF-Token": words.csrf },
    });
    const said = await answer.json();
    if (!answer.ok) return tell(said.detail || words.trouble, "wrong");
    show(said);
  } catch {
    tell(words.trouble, "wrong");
  }
}

function show(said) {
  const counts = ["new", "corrected", "unchanged", "machines", "empty"].map((name) => `${said[name]} ${words[name]}`);
  tell((said.entered ? words.done + " " : "") + counts.join(" · "), said.entered ? "verdict up" : "verdict off");
  for (const one of said.mistakes) {
    const line = document.createElement("li");
    line.textContent = `${one.sheet} ${one.row ? words.row + " " + one.row : ""} ${one.column}: ${one.message}`.trim();
    mistakes.append(line);
  }
  enter.hidden = said.entered || said.new + said.corrected + said.machines === 0;
}

function tell(text, look) {
  const line = document.createElement("p");
  line.className = look;
  line.textContent = text;
  found.replaceChildren(line);
}

form?.addEventListener("submit", (event) => { event.preventDefault(); hand("no"); });
form?.elements.file.addEventListener("change", () => { found.replaceChildren(); mistakes.replaceChildren(); enter.hidden = true; });
enter?.addEventListener("click", () => hand("good"));
