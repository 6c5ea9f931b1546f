// Where sending has consequences (a task's form, blocking a card), Enter in a line goes on to the next field; only Ctrl+Enter (⌘ on
// a Mac) sends, from every field. Without a script the form's first button decides: it saves the draft, or does nothing.

// Enter is theirs: a new line, a press, picking a file.
const KEEPS_ENTER = 'textarea, button, input:is([type="file"], [type="submit"], [type="button"])';

// What the key of a phone's keyboard says.
export function nameEnter(form) {
  for (const line of form.querySelectorAll("input")) line.enterKeyHint = "next";
}

export function attachEnter() {
  document.addEventListener("keydown", (event) => {
    const form = event.target.form;
    // An input method takes Enter for itself; Safari says so only by the key code.
    if (event.key !== "Enter" || event.isComposing || event.keyCode === 229 || !form?.matches("[data-enter]")) return;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      if (!event.repeat) form.requestSubmit(form.querySelector("[data-sends]"));
    } else if (!event.target.matches(KEEPS_ENTER)) {
      event.preventDefault();
      if (!event.repeat) focusNext(form, event.target);
    }
  });
}

// A key held down neither runs through the form nor sends it: the last field keeps the focus.
function focusNext(form, from) {
  const fields = [...form.elements].filter((one) => isField(one) && !belongsTogether(one, from));
  const next = fields.find((one) => from.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING);
  const chosen = next?.type === "radio" ? form.querySelector(`input[name="${CSS.escape(next.name)}"]:checked`) : null;
  (chosen ?? next)?.focus();
}

function isField(one) {
  return one.matches('input:not([type="hidden"]), select, textarea') && !one.disabled && one.getClientRects().length > 0;
}

function belongsTogether(one, from) {
  return one === from || (one.type === "radio" && one.name === from.name);
}
