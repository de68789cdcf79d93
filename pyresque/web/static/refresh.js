// Live refresh: what has data-live is fetched again and replaced, every few seconds, while the page is seen
// and nobody is at work in it (a field with focus, a ticked box, selected text).
"use strict";
const pause = Number(document.documentElement.dataset.refresh || 5) * 1000;

const busy = (part) =>
  part.contains(document.activeElement) ||
  part.querySelector("input:checked, details[open]") ||
  (String(getSelection()) && part.contains(getSelection().anchorNode));

async function refresh() {
  const parts = [...document.querySelectorAll("[data-live]")].filter((part) => !busy(part));
  if (document.hidden || !parts.length) return;
  const answer = await fetch(location.href, { headers: { "X-Refresh": "1" } });
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
    // The dashboard cannot be reached just now: the next look tells.
  }
  setTimeout(again, pause);
}

if (pause > 0 && document.querySelector("[data-live]")) setTimeout(again, pause);

// What an action has left goes on by itself, so that one need not press the button for each round.
const rest = document.querySelector("form[data-go-on]");
if (rest) setTimeout(() => rest.isConnected && rest.submit(), 300);
