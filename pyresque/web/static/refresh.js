// Live refresh: what has data-live is fetched again and replaced, every few seconds, while the page is seen
// and nobody is at work in it (a field with focus, a ticked box, selected text).
"use strict";
const pause = Number(document.documentElement.dataset.refresh || 5) * 1000;

const busy = (part) =>
  part.contains(document.activeElement) ||
  part.querySelector("input:checked, details[open]") ||
  (String(getSelection()) && part.contains(getSelection().anchorNode));

// The page that says that Redis is down: it goes as soon as another can be shown.
const down = document.querySelector("[data-retry]");

async function lookAgain() {
  const answer = await fetch(location.href, { headers: { "X-Refresh": "1" } });
  if (answer.ok) location.reload();
}

// Whoever looks at numbers must know if they are not those of now.
function tell(isFresh) {
  const shown = document.getElementById("stale");
  if (isFresh) shown?.remove();
  if (isFresh || shown) return;
  const text = document.createElement("p");
  text.id = "stale";
  text.className = "notice warn";
  text.setAttribute("role", "status");
  text.textContent = `Not refreshed since ${new Date().toLocaleTimeString()}: the dashboard or its Redis does not answer.`;
  document.getElementById("main").prepend(text);
}

async function refresh() {
  if (down) return lookAgain();
  const parts = [...document.querySelectorAll("[data-live]")].filter((part) => !busy(part));
  if (document.hidden || !parts.length) return;
  const answer = await fetch(location.href, { headers: { "X-Refresh": "1" } });
  tell(answer.ok);
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts) {
    const other = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (other && !busy(part)) part.replaceWith(other);
  }
}

async function again() {
  try {
    await refresh();
  } catch {
    if (!down) tell(false);
  }
  setTimeout(again, pause);
}

if (pause > 0 && document.querySelector("[data-live], [data-retry]")) setTimeout(again, pause);

// What an action has left goes on by itself, so that one need not press the button for each round.
const rest = document.querySelector("form[data-go-on]");
if (rest) setTimeout(() => rest.isConnected && rest.submit(), 300);
