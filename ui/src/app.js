// The one script of every page: htmx for quick lists, and what makes forms and the desk kinder. Without it all works too.
import htmx from "htmx.org";

import { attachDraft } from "./desk/drafts.js";
import { attachEnter, nameEnter } from "./desk/enter.js";
import { attachFilters } from "./desk/filters.js";
import { attachForm } from "./desk/forms.js";
import { attachInserts } from "./desk/inserts.js";
import { attachKeys } from "./desk/keys.js";
import { attachMenus } from "./desk/menus.js";
import { attachPresence } from "./desk/presence.js";
import { attachResend } from "./desk/resend.js";
import { attachUploads } from "./desk/uploads.js";

htmx.config.includeIndicatorStyles = false; // the content security policy allows no inline style
htmx.config.allowEval = false;
htmx.config.historyCacheSize = 0; // personal data stays out of localStorage
htmx.config.refreshOnHistoryMiss = true;

function attachAll(root) {
  for (const form of root.querySelectorAll("form")) attachForm(form);
  for (const form of root.querySelectorAll("form[data-enter]")) nameEnter(form);
  for (const form of root.querySelectorAll("form[data-draft]")) attachDraft(form);
  for (const drop of root.querySelectorAll("[data-upload]")) attachUploads(drop);
  for (const button of root.querySelectorAll("[data-resend]")) attachResend(button);
  attachFilters(root);
}

attachAll(document);
attachMenus();
attachKeys();
attachEnter();
attachInserts();
attachPresence();
document.body.addEventListener("htmx:load", (event) => {
  if (event.detail.elt !== document.body) attachAll(event.detail.elt);
});

// A form that came back with mistakes: they are read first. Back and reload lead to the page it was sent from, instead of a browser's
// question whether to send it again.
const mistakes = document.querySelector(".error-summary");
if (mistakes) {
  mistakes.focus();
  if (document.referrer.startsWith(`${location.origin}/`)) history.replaceState(null, "", document.referrer);
}
