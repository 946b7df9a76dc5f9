// Keeps the wall live: applies what the server sends, and says so when it has stopped coming.

import { judge, refresh, serverSays } from "./time.js";

const STALE = 9_000; // ms: nearly two beats of the server, so that it is said within ten seconds
const LONGEST = 15_000; // ms between two attempts
const page = document.body.dataset;
let heard = performance.now();
let wait = 1000;
let socket;

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/live?lang=${page.lang}`);
  socket.onmessage = (event) => {
    heard = performance.now();
    wait = 1000;
    apply(JSON.parse(event.data));
  };
  socket.onclose = () => {
    askWho();
    setTimeout(connect, wait * (0.75 + Math.random() / 2)); // not all screens at once
    wait = Math.min(wait * 2, LONGEST);
  };
}

// Whoever has been signed out goes to where one signs in; a server that is away is waited for.
async function askWho() {
  try {
    const answer = await fetch("/api/v1/me");
    if (answer.status === 401) location.reload();
  } catch {
    // not reachable: connect() tries again
  }
}

function apply(message) {
  if (message.build !== page.build) return renew(message.build);
  serverSays(message.now);
  for (const [id, html] of Object.entries(message.parts)) replaceInside(document.getElementById(id), html);
  if (message.all) replaceAll(Object.values(message.tiles));
  else for (const [id, html] of Object.entries(message.tiles)) replaceTile(id, html);
  document.getElementById("age").dataset.age = message.observed ?? "";
  tick();
}

// The program was upgraded: load its new page, once for each build.
function renew(build) {
  socket.onclose = null;
  if (sessionStorage.getItem("build") === build) return setTimeout(connect, LONGEST);
  sessionStorage.setItem("build", build);
  location.reload();
}

function replaceAll(tiles) {
  const focus = document.activeElement?.id;
  document.getElementById("tiles").innerHTML = tiles.join("");
  if (focus?.startsWith("site-")) document.getElementById(focus)?.focus();
}

function replaceTile(id, html) {
  const old = document.getElementById(`site-${id}`);
  if (!old) return;
  const [state, focused] = [old.className, document.activeElement === old];
  old.outerHTML = html;
  const tile = document.getElementById(`site-${id}`);
  if (focused) tile.focus();
  if (state.replace(" changed", "") !== tile.className) tile.classList.add("changed");
}

// An open counting rule stays open.
function replaceInside(element, html) {
  const open = [...element.querySelectorAll("details")].map((one) => one.open);
  element.innerHTML = html;
  element.querySelectorAll("details").forEach((one, i) => { one.open = open[i] ?? false; });
}

// A socket to a machine that was unplugged stays open for minutes: silence closes it.
function tick() {
  if (performance.now() - heard > 2 * STALE && socket.readyState === WebSocket.OPEN) socket.close();
  judge(heard, STALE);
  refresh();
}

connect();
setInterval(tick, 1000);
tick();
