// The process picture: where the issue stands and what is behind it. The list of steps beside it says the same in words.
import NavigatedViewer from "bpmn-js/lib/NavigatedViewer";

async function draw(box) {
  const answer = await fetch(box.dataset.process, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(String(answer.status));
  const { xml, done, active } = await answer.json();
  const viewer = new NavigatedViewer({ container: box });
  await viewer.importXML(xml);
  const canvas = viewer.get("canvas");
  const elements = viewer.get("elementRegistry");
  const mark = (id, marker) => elements.get(id) && canvas.addMarker(id, marker);
  for (const id of done) mark(id, "is-done");
  for (const id of active) mark(id, "is-now");
  const whole = () => canvas.zoom("fit-viewport", "auto");
  whole();
  const tools = document.querySelector("[data-process-tools]");
  tools.hidden = false;
  tools.addEventListener("click", (event) => {
    const wish = event.target.closest("[data-zoom]")?.dataset.zoom;
    if (wish === "whole") whole();
    else if (wish === "now" && active.length && elements.get(active[0])) {
      canvas.zoom(1);
      canvas.scrollToElement(active[0], { top: 120, bottom: 120, left: 200, right: 200 });
    } else if (wish) canvas.zoom(canvas.zoom() * (wish === "in" ? 1.25 : 0.8));
  });
}

for (const box of document.querySelectorAll("[data-process]")) {
  const begin = () => draw(box).catch(() => {
    box.hidden = true;
    document.querySelector("[data-process-failed]").hidden = false;
  });
  const details = box.closest("details");
  if (!details || details.open) begin();
  else details.addEventListener("toggle", begin, { once: true });
}
