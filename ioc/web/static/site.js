// One place: clock and ages run; the page is read anew every ten seconds.

import { judge, refresh, serverSays } from "./time.js";

const EVERY = 10_000;
let heard = performance.now();

async function renew() {
  if (document.querySelector("main form:focus-within")) return tick(); // somebody is choosing
  try {
    const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(EVERY - 1000) });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (page.body.dataset.build !== document.body.dataset.build) return location.reload();
    document.querySelector("main").replaceWith(page.querySelector("main"));
    serverSays(Number(page.body.dataset.now));
    heard = performance.now();
  } catch { /* the note says it */ }
  tick();
}

function tick() {
  judge(heard, 2 * EVERY);
  refresh();
}

setInterval(renew, EVERY);
setInterval(tick, 1000);
tick();
