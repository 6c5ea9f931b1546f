// Pages with a card reader: asks the agent on this PC how it is, has it sign what the server wants signed, and sends that to the
// server. The PIN is typed in the agent's own window; nothing of it comes here.
import { attachReader } from "./card/reader.js";

for (const root of document.querySelectorAll("[data-card-reader]")) attachReader(root);
