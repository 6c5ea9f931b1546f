// The desk by keyboard: j and k move, Enter opens, c claims, n goes to the most urgent one, / searches, ? explains.
// Single letters act only on pages that have a list of work (or its "next"), and never while something is being typed.

export function attachKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest?.('input:not([type="checkbox"]), textarea, select, dialog[open], [contenteditable]')) return;
    const act = { j: () => move(1), k: () => move(-1), c: claim, n: goNext, "/": search, "?": explain }[event.key];
    if (act && act()) event.preventDefault();
  });
}

function rows() {
  return [...document.querySelectorAll("[data-keys] tbody tr")];
}

function move(step) {
  const all = rows();
  if (!all.length) return false;
  const now = all.findIndex((row) => row.classList.contains("current"));
  const next = now < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, now + step));
  for (const row of all) row.classList.remove("current");
  all[next].classList.add("current");
  all[next].scrollIntoView({ block: "nearest" });
  all[next].querySelector("a.title")?.focus({ preventScroll: true });
  return true;
}

function claim() {
  const button =
    document.querySelector("[data-keys] tbody tr.current [data-claim]") ??
    (rows().length ? null : document.querySelector("[data-claim]"));
  button?.click();
  return Boolean(button);
}

function goNext() {
  const link = document.querySelector("[data-next]") ?? document.querySelector('[data-keys="urgent"] tbody a.title');
  link?.click();
  return Boolean(link);
}

function search() {
  const box = document.querySelector('input[type="search"]');
  box?.focus();
  return Boolean(box);
}

function explain() {
  const dialog = document.getElementById("keys");
  if (dialog && !dialog.open) dialog.showModal();
  return Boolean(dialog);
}
