// Every form: sent once however often it is clicked, counters under long texts, a button that says what will happen.

import { isHeld, whenFree } from "./pending.js";

export function attachForm(form) {
  if (form.dataset.attached) return;
  form.dataset.attached = "yes";
  if (form.method === "post") sendOnce(form);
  for (const counter of form.querySelectorAll("[data-counts]")) attachCounter(form, counter);
  const button = form.querySelector("[data-says]");
  if (button) sayChoice(form, button);
}

function sendOnce(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sending) {
      event.preventDefault();
      return;
    }
    form.dataset.sending = "yes";
    const button = event.submitter;
    if (button) {
      button.setAttribute("aria-disabled", "true");
      button.dataset.label = button.textContent;
      if (button.dataset.sending) button.textContent = button.dataset.sending;
    }
    if (!isHeld(form)) return;
    event.preventDefault();
    whenFree(form).then((allWell) => {
      release(form);
      if (allWell) form.requestSubmit(button);
    });
  });
  // Coming back with the browser's Back button shows the page as it was left.
  window.addEventListener("pageshow", () => release(form));
}

function release(form) {
  delete form.dataset.sending;
  for (const button of form.querySelectorAll('[aria-disabled="true"]')) {
    button.removeAttribute("aria-disabled");
    if (button.dataset.label) button.textContent = button.dataset.label;
  }
}

function attachCounter(form, counter) {
  const input = form.querySelector(`#${CSS.escape(counter.dataset.counts)}`);
  const most = Number(counter.dataset.most);
  if (!input) return;
  const show = () => {
    const length = [...input.value.replaceAll("\r\n", "\n")].length;
    const left = most - length;
    counter.textContent = left >= 0 ? `已写 ${length} 字，最多 ${most} 字` : `超出 ${-left} 字`;
    counter.classList.toggle("over", left < 0);
  };
  input.addEventListener("input", show);
  show();
}

function sayChoice(form, button) {
  const usual = button.textContent;
  const show = () => {
    const chosen = form.querySelector(`input[name="${CSS.escape(button.dataset.says)}"]:checked`);
    button.textContent = chosen?.dataset.label ? chosen.dataset.label : usual;
  };
  form.addEventListener("change", show);
  show();
}
