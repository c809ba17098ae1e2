// What a form has done where the next page does not say so by itself: a word at the page's edge that goes again.
const KEPT = "toast";
const SHOWN_MS = 6_000;

export function bindToasts(): void {
  const kept = sessionStorage.getItem(KEPT);
  sessionStorage.removeItem(KEPT);
  if (kept) show(kept);
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form instanceof HTMLFormElement && form.dataset.begun) show(form.dataset.begun);
  });
}

/** For the page that comes next. */
export function keepToast(form: HTMLFormElement): void {
  if (form.dataset.done) sessionStorage.setItem(KEPT, form.dataset.done);
}

function show(text: string): void {
  const toast = document.createElement("p");
  toast.className = "toast";
  toast.textContent = text;
  document.getElementById("toasts")?.append(toast);
  setTimeout(() => toast.remove(), SHOWN_MS);
}
