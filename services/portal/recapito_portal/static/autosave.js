/* Saves a draft's page as it is filled. Without it each page is saved when it is left. */
"use strict";
(() => {
  const form = document.querySelector("form[data-autosave]");
  if (!form) return;
  const told = form.querySelector(".autosaved");
  let waiting = 0;
  let saving = null;

  const save = async () => {
    const answer = await fetch(form.action, {
      method: "POST",
      body: new FormData(form),
      headers: { "X-Autosave": "1" },
      credentials: "same-origin",
      redirect: "error",
    });
    if (answer.status !== 204) return;
    form.elements.version.value = answer.headers.get("X-Draft-Version");
    const action = answer.headers.get("X-Draft-Action");
    if (!form.action.endsWith(action) && new URL(form.action).pathname.endsWith("/nuova")) {
      form.action = action;
      history.replaceState(null, "", action);
    }
    told.textContent = form.dataset.saved;
  };

  const soon = (milliseconds) => {
    window.clearTimeout(waiting);
    told.textContent = "";
    waiting = window.setTimeout(() => {
      if (saving) return soon(milliseconds);
      saving = save().catch(() => {}).finally(() => { saving = null; });
    }, milliseconds);
  };

  form.addEventListener("change", () => soon(400));
  form.addEventListener("input", () => soon(1500));
  form.addEventListener("submit", (event) => {
    window.clearTimeout(waiting);
    if (!saving) return;
    event.preventDefault();
    saving.then(() => HTMLFormElement.prototype.submit.call(form)); // after the save under way, with the version that it gave
  });
})();
