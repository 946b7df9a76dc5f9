// Reports being made: their list is renewed, every second while one is made; nothing else is, so
// what is being filled in stays, and so does what was said to be wrong with it. The clock runs.

import { refresh } from "./time.js";

const EVERY = 1000; // ms
const IDLE = 10; // so many times more seldom while none is made: somebody else may ask for one
const lang = document.body.dataset.lang;
const form = document.getElementById("ask");

let times = 0;

async function renew() {
  const before = document.getElementById("made");
  times += 1;
  if (before.dataset.busy || times % IDLE === 0) {
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
setInterval(refresh, EVERY);
refresh();
renew();
