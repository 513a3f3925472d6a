// Fetches the part of the start page that changes, and puts it in place; what is typed or focused elsewhere stays.
"use strict";
const overview = document.getElementById("overview");

async function refresh() {
  if (document.hidden || overview.contains(document.activeElement)) return;
  try {
    const reply = await fetch(overview.dataset.from, { credentials: "same-origin", cache: "no-store" });
    if (reply.ok) overview.innerHTML = await reply.text();
    // Another password now: asking on with the old one would get this client kept out.
    if (reply.status === 401) clearInterval(timer);
    overview.classList.toggle("stale", !reply.ok);
  } catch {
    overview.classList.add("stale");
  }
}

const timer = setInterval(refresh, 3000);
document.addEventListener("visibilitychange", refresh);
