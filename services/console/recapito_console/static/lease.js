// Holds the case for whoever works on its page: a sign of work renews the hold, every two minutes at most. Without it the button remains.
const held = document.querySelector("[data-renew]");
const EVERY = 120000;
const SIGNS = ["keydown", "pointerdown", "input", "scroll"];
let last = -EVERY;

const renew = async () => {
  if (performance.now() - last < EVERY) return;
  last = performance.now();
  const body = new URLSearchParams({ csrf_token: document.querySelector("#decide [name=csrf_token]").value });
  try {
    // a session that ended leads to the sign-in, and that is for the next page to say
    const answer = await fetch(held.dataset.renew, { method: "POST", body, redirect: "manual" });
    if (!answer.ok && answer.status !== 409) return;
    held.querySelector("strong").textContent = await answer.text();
    if (answer.ok) return;
    held.setAttribute("role", "alert");
    for (const sign of SIGNS) document.removeEventListener(sign, renew);
  } catch { /* no network: tried again at the next sign in two minutes */ }
};
for (const sign of SIGNS) document.addEventListener(sign, renew, { passive: true });
