// Says every few seconds that this page is being looked at, so that colleagues know, and shows who else is: only while the
// page is in sight and somebody is at it, or an empty chair would keep its session alive.
const EVERY_MS = 20_000;
const AWAY_AFTER_MS = 5 * 60_000;

export function attachPresence() {
  const place = document.querySelector("[data-presence]");
  if (!place) return;
  let activeAt = Date.now();
  for (const kind of ["keydown", "pointerdown", "pointermove", "scroll"]) {
    document.addEventListener(kind, () => { activeAt = Date.now(); }, { passive: true });
  }
  const tell = () => {
    if (document.visibilityState === "visible" && Date.now() - activeAt < AWAY_AFTER_MS) {
      place.dispatchEvent(new CustomEvent("presence"));
    }
  };
  setInterval(tell, EVERY_MS);
  document.addEventListener("visibilitychange", tell);
}
