// Puts a text where the cursor is in the answer (below what is typed, if nobody has been in it yet): a template that was
// chosen, or what stands elsewhere on the page. Typing, undoing and saving go on as if it had been typed.
export function attachInserts() {
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.("textarea")) event.target.dataset.visited = "yes";
  });
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-insert-into]");
    if (!button) return;
    const target = document.getElementById(button.dataset.insertInto);
    if (!target) return;
    try {
      const text = await read(button);
      if (text) insert(target, text);
    } catch {
      const told = button.parentElement.querySelector("[data-told]");
      if (told) told.textContent = "没有取到模板，请检查网络后再试。";
    }
  });
}

async function read(button) {
  if (button.dataset.insertFrom) return document.getElementById(button.dataset.insertFrom)?.textContent ?? "";
  const chosen = document.getElementById(button.dataset.chosenIn)?.value;
  if (!chosen) return "";
  const answer = await fetch(`/answer-templates/${encodeURIComponent(chosen)}/text`, { redirect: "error" });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.text();
}

function insert(target, text) {
  if (target.closest("[data-hidden]")) callFor(target);
  const start = target.dataset.visited ? target.selectionStart : target.value.length;
  const end = target.dataset.visited ? target.selectionEnd : target.value.length;
  const before = target.value.slice(0, start);
  const gap = before && !before.endsWith("\n") ? "\n" : "";
  target.disabled = false;
  target.setRangeText(gap + text, start, end, "end");
  target.dataset.visited = "yes";
  target.focus();
  target.dispatchEvent(new Event("input", { bubbles: true }));
}

// A field that shows only once a choice is made (the answer, after “答复企业”): the choice named like the field is made.
function callFor(target) {
  target.form?.querySelector(`input[type="radio"][value="${CSS.escape(target.name)}"]`)?.click();
  target.closest("[data-field]")?.removeAttribute("data-hidden");
}
