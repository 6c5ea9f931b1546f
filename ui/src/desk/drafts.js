// A form that is being filled in: saved by itself a moment after the last key, and shaped by the server, which alone
// knows which fields the answers so far call for.
import { hold } from "./pending.js";
import { csrfHeaders } from "./token.js";

const WAIT_MS = 900;

export function attachDraft(form) {
  if (form.dataset.draftAttached) return;
  form.dataset.draftAttached = "yes";
  hushHidden(form);
  const line = form.querySelector("[data-saved]");
  let timer = null;
  let running = null;
  let changed = false;

  async function save() {
    clearTimeout(timer);
    timer = null;
    if (form.dataset.sending) return;
    if (running) {
      await running;
    }
    changed = false;
    running = send(form, line).finally(() => { running = null; });
    hold(form, running);
    if (!(await running)) changed = true;
  }

  form.addEventListener("input", () => {
    changed = true;
    clearTimeout(timer);
    timer = setTimeout(save, WAIT_MS);
  });
  form.addEventListener("change", (event) => {
    if (event.target.matches('select, input[type="radio"], input[type="checkbox"]')) save();
  });
  form.addEventListener("draft:changed", () => { changed = true; save(); });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden" && changed) save();
  });
  window.addEventListener("beforeunload", (event) => {
    if (!changed || form.dataset.sending) return;
    event.preventDefault();
    save(); // while the browser asks
  });
}

async function send(form, line) {
  try {
    const answer = await fetch(form.dataset.draft, {
      method: "POST",
      headers: { ...csrfHeaders(), Accept: "application/json" },
      body: new URLSearchParams(readFields(form)),
      keepalive: true,
      redirect: "error",
    });
    if (!answer.ok) {
      tell(line, `没有保存：${await readReason(answer)}您填写的内容仍在本页。`, true);
      return false;
    }
    const draft = await answer.json();
    if (draft.saved) tell(line, draft.saved, false);
    if (draft.fields) shape(form, draft.fields);
    if (draft.address) {
      form.dataset.draft = draft.draft_address;
      form.action = draft.address;
      history.replaceState(null, "", draft.address);
    }
    return true;
  } catch {
    tell(line, "没有保存成功，请检查网络；您填写的内容仍在本页。", true);
    return false;
  }
}

async function readReason(answer) {
  try {
    return (await answer.json()).detail ?? "请稍后再试。";
  } catch {
    return "请稍后再试。";
  }
}

function readFields(form) {
  return [...new FormData(form).entries()].filter(([, value]) => typeof value === "string");
}

function tell(line, words, failed) {
  if (!line) return;
  line.textContent = words;
  line.classList.toggle("failed", failed);
}

// A field that is out of sight is not sent; what was typed into it stays, in case it is called for again.
export function hushHidden(form) {
  for (const input of form.querySelectorAll("[data-field] :is(input, select, textarea)")) {
    input.disabled = Boolean(input.closest("[data-hidden]"));
  }
}

function shape(form, fields) {
  for (const [name, { hidden, required }] of Object.entries(fields)) {
    const field = form.querySelector(`[data-field="${CSS.escape(name)}"]`);
    if (!field) continue;
    field.toggleAttribute("data-hidden", hidden);
    const star = field.querySelector(".star");
    if (star) star.hidden = !required;
    const optional = field.querySelector(".optional");
    if (optional) optional.hidden = required;
  }
  hushHidden(form);
}
