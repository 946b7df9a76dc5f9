// Keeps the wall live: applies what the server sends, and says so when it has stopped coming.

import { refresh, serverSays, span } from "./time.js";

const STALE = 10_000; // ms: two beats of the server
let heard = performance.now();
let wait = 1000;

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/api/v1/ws?lang=${document.body.dataset.lang}`);
  socket.onmessage = (event) => {
    heard = performance.now();
    wait = 1000;
    apply(JSON.parse(event.data));
  };
  socket.onclose = () => {
    setTimeout(connect, wait);
    wait = Math.min(wait * 2, 15_000);
  };
}

function apply(message) {
  serverSays(message.at);
  for (const [id, html] of Object.entries(message.parts)) replaceInside(document.getElementById(id), html);
  const tiles = document.getElementById("tiles");
  if (message.all) {
    tiles.innerHTML = Object.values(message.tiles).join("");
  } else {
    for (const [id, html] of Object.entries(message.tiles)) {
      const tile = document.getElementById(`site-${id}`);
      if (tile) tile.outerHTML = html;
    }
  }
  document.getElementById("age").dataset.age = message.observed ?? "";
  tick();
}

// An open counting rule stays open, and unchanged parts are left alone.
function replaceInside(element, html) {
  if (element.shown === html) return;
  const open = [...element.querySelectorAll("details")].map((one) => one.open);
  element.innerHTML = element.shown = html;
  element.querySelectorAll("details").forEach((one, i) => { one.open = open[i] ?? false; });
}

function tick() {
  const silence = performance.now() - heard;
  const stale = silence > STALE;
  document.body.classList.toggle("stale", stale);
  const note = document.getElementById("stale");
  note.hidden = !stale;
  if (stale) note.textContent = document.body.dataset.stale.replace("#", span(silence));
  refresh();
}

connect();
setInterval(tick, 1000);
tick();
