// Clock and ages, in the page's language and the area's time zone.

const words = document.body.dataset;
const clock = new Intl.DateTimeFormat(words.lang === "vi" ? "vi-VN" : "en-GB", {
  timeZone: words.zone, hour: "2-digit", minute: "2-digit", second: "2-digit",
  weekday: "long", day: "2-digit", month: "2-digit", year: "numeric",
});

// The server's clock decides ages: a wall computer's own clock is often wrong.
let offset = Number(words.at) - Date.now();

export function serverSays(at) {
  offset = at - Date.now();
}

export function now() {
  return Date.now() + offset;
}

export function span(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return words.seconds.replace("#", seconds);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return words.minutes.replace("#", minutes);
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return words.hours.replace("#", hours) + (hours < 10 && minutes % 60 ? " " + words.minutes.replace("#", minutes % 60) : "");
  return words.days.replace("#", Math.floor(hours / 24));
}

export function refresh() {
  document.getElementById("clock").textContent = clock.format(now());
  for (const time of document.querySelectorAll("time[data-since], time[data-age]")) {
    const at = Number(time.dataset.since ?? time.dataset.age);
    time.textContent = at ? span(now() - at) : "–";
  }
}
