// Single keys for the case's page. Without it the access keys remain, with Alt. Who speaks to their computer turns them off.
const panel = document.querySelector(".keys-help");
const toggle = panel.querySelector("button");
const KEPT = "recapito-single-keys";
const TYPED_INTO = "textarea, select, input:not([type=radio]):not([type=checkbox]), [contenteditable]";
const TOOLS = { g: "turn", "+": "larger", "-": "smaller" };
let on = true;
let current = 0;

const kept = () => { try { return localStorage.getItem(KEPT); } catch { return null; } };
const keep = (value) => { try { localStorage.setItem(KEPT, value); } catch { /* until the page is left, then */ } };
const show = () => {
  toggle.textContent = on ? toggle.dataset.off : toggle.dataset.on;
  panel.classList.toggle("are-off", !on);
};
const figures = () => [...document.querySelectorAll(".page-view")];
const nextPage = () => {
  const all = figures();
  if (!all.length) return;
  current = (current + 1) % all.length;
  all[current].scrollIntoView({ block: "nearest" });
  all[current].querySelector(".page-frame").focus({ preventScroll: true });
};
const press = (key) => {
  if (key === "?") {
    panel.open = !panel.open;
    panel.querySelector("summary").focus();
  } else if (key === "v") {
    nextPage();
  } else if (TOOLS[key]) {
    figures()[current]?.querySelector(`[data-tool=${TOOLS[key]}]`)?.click();
  } else {
    const target = document.querySelector(`[accesskey="${CSS.escape(key)}"]`);
    if (!target) return false;
    target.focus();
    if (!target.matches("textarea")) target.click();
  }
  return true;
};

on = kept() !== "off";
panel.querySelector(".keys-plain").hidden = false;
toggle.addEventListener("click", () => {
  on = !on;
  keep(on ? "on" : "off");
  show();
});
for (const [place, figure] of figures().entries()) figure.addEventListener("focusin", () => { current = place; });
document.addEventListener("keydown", (event) => {
  if (!on || event.altKey || event.ctrlKey || event.metaKey || event.repeat || event.isComposing) return;
  if (event.target.closest(TYPED_INTO)) return;
  if (press(event.key.toLowerCase())) event.preventDefault();
});
show();
