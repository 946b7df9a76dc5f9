// Reports being made: their list is renewed while one is, and what is being filled in stays.

const EVERY = 1000; // ms
const lang = document.body.dataset.lang;
const form = document.getElementById("ask");

async function renew() {
  const before = document.getElementById("made");
  if (before.dataset.busy) {
    try {
      const answer = await fetch(`/reports?part=made&lang=${lang}`);
      if (answer.ok && !answer.redirected) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        before.replaceWith(page.getElementById("made"));
      }
    } catch {
      // The program restarts: the next time will do.
    }
  }
  setTimeout(renew, EVERY);
}

// The two days are asked for only when they count.
function days() {
  const wanted = form.elements.period.value === "range:";
  const range = document.getElementById("range");
  range.style.display = wanted ? "" : "none";
  for (const input of range.querySelectorAll("input")) input.required = wanted;
}

if (form) {
  form.elements.period.addEventListener("change", days);
  days();
}
renew();
