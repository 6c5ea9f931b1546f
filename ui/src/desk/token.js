// The proof that a request comes from our own page.
export function csrfHeaders() {
  const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
  return { "X-CSRF-Token": token };
}
