// Clock and ages, in the page's language and the area's time zone.

const words = document.body.dataset;
const locale = words.lang === "vi" ? "vi-VN" : "en-GB";
const clock = new Intl.DateTimeFormat(locale, {
  timeZone: words.zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const date = new Intl.DateTimeFormat(locale, {
  timeZone: words.zone, weekday: "long", day: "2-digit", month: "2-digit", year: "numeric",
});

// The server's clock counts, and here only what has passed since: a wall computer's own clock
// is often wrong, and may be set right at any time.
let offset = Number(words.now) - performance.now();

export function serverSays(now) {
  offset = now - performance.now();
}

function now() {
  return performance.now() + offset;
}

export function span(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return words.seconds.replace("#", seconds);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return words.minutes.replace("#", minutes);
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return words.days.replace("#", Math.floor(hours / 24));
  const rest = hours < 10 && minutes % 60 ? " " + words.minutes.replace("#", minutes % 60) : "";
  return words.hours.replace("#", hours) + rest;
}

export function refresh() {
  write(document.getElementById("clock"), clock.format(now()));
  write(document.getElementById("date"), date.format(now()));
  for (const time of document.querySelectorAll("time[data-since]")) {
    const at = Number(time.dataset.since);
    write(time, at ? span(now() - at) : "–");
  }
  for (const time of document.querySelectorAll("time[data-age]")) {
    const at = Number(time.dataset.age);
    write(time, at ? words.ago.replace("#", span(now() - at)) : "–");
  }
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Says so, in words, when nothing was heard for too long.
export function judge(heard, limit) {
  const silence = performance.now() - heard;
  const stale = silence > limit;
  const note = document.getElementById("stale");
  document.body.classList.toggle("stale", stale);
  note.hidden = !stale;
  if (stale) write(note, words.stale.replace("#", span(silence)));
}
