// What a form waits for before it is sent: files under way, and a draft that is being saved, which must not arrive after it.
const pending = new WeakMap();

// The form is held until this promise has come to its end; a failure keeps the form here, where it is told.
export function hold(form, promise) {
  if (!form) return;
  const held = pending.get(form) ?? new Set();
  pending.set(form, held);
  held.add(promise);
  promise.catch(() => {}).finally(() => held.delete(promise));
}

export function isHeld(form) {
  return (pending.get(form)?.size ?? 0) > 0;
}

// Whether everything that was waited for went well.
export async function whenFree(form) {
  let allWell = true;
  while (isHeld(form)) {
    const ends = await Promise.allSettled([...pending.get(form)]);
    allWell &&= ends.every((end) => end.status === "fulfilled");
  }
  return allWell;
}
