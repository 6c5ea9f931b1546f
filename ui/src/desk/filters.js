// Filters act as soon as one is changed (htmx sends the form); on phones most of them are folded away. A whole list of
// boxes is ticked at once.
export function attachFilters(root) {
  for (const button of root.querySelectorAll("[data-toggles]")) {
    button.addEventListener("click", () => {
      const open = document.getElementById(button.dataset.toggles).classList.toggle("is-open");
      button.setAttribute("aria-expanded", String(open));
    });
  }
  for (const box of root.querySelectorAll("[data-pick-all]")) {
    if (box.dataset.attached) continue;
    box.dataset.attached = "yes";
    const boxes = () => [...document.querySelectorAll(`input[name="${CSS.escape(box.dataset.pickAll)}"]`)];
    const told = document.querySelector("[data-picked]");
    const count = () => {
      const picked = boxes().filter((one) => one.checked).length;
      if (told) told.textContent = picked ? `已选 ${picked} 件` : "";
      box.checked = picked > 0 && picked === boxes().length;
      box.indeterminate = picked > 0 && picked < boxes().length;
    };
    box.addEventListener("change", () => {
      for (const one of boxes()) one.checked = box.checked;
      count();
    });
    for (const one of boxes()) one.addEventListener("change", count);
    count();
  }
}
