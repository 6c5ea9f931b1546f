// Small things of the frame: menus that close, the print button, the dialog that explains the keys.
export function attachMenus() {
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.account[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    if (event.target.closest("[data-print]")) window.print();
    const opener = event.target.closest("[data-opens]");
    if (opener) document.getElementById(opener.dataset.opens)?.showModal();
    if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.account[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  window.addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll(".timeline details")) part.open = true;
  });
}
