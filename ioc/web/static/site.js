// One place: clock and ages run; the page is read anew every half minute.

import { refresh, span } from "./time.js";

const loaded = performance.now();

async function renew() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.querySelector("main").replaceWith(page.querySelector("main"));
      heard = performance.now();
    }
  } catch { /* the note below says it */ }
}

let heard = loaded;

function tick() {
  const silence = performance.now() - heard;
  const stale = silence > 60_000;
  document.body.classList.toggle("stale", stale);
  const note = document.getElementById("stale");
  note.hidden = !stale;
  if (stale) note.textContent = document.body.dataset.stale.replace("#", span(silence));
  refresh();
}

setInterval(renew, 30_000);
setInterval(tick, 1000);
tick();
