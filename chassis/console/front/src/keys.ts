// The keyboard: `/` searches, `j` and `k` walk a list, Enter and `e` open, `x` selects, `g` and a letter goes, `?` helps.
import { openPalette } from "./palette";

const GO_MS = 1_200;

export function bindKeys(): void {
  let goUntil = 0;
  let typed = "";
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "k") return handled(event, openPalette());
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (performance.now() < goUntil) {
      typed += event.key;
      const rooms = [...document.querySelectorAll<HTMLAnchorElement>("a[data-key]")];
      if (!rooms.some((room) => room.dataset.key?.startsWith(typed) && room.dataset.key !== typed)) goUntil = 0;
      return follow(rooms.find((room) => room.dataset.key === typed) ?? null, event);
    }
    switch (event.key) {
      case "/":
        return search(event);
      case "g":
        goUntil = performance.now() + GO_MS;
        typed = "";
        return;
      case "j":
        return walk(1, event);
      case "k":
        return walk(-1, event);
      case "e":
        return follow(current()?.querySelector<HTMLAnchorElement>("th a") ?? null, event);
      case "x": {
        const box = current()?.querySelector<HTMLInputElement>("input[type=checkbox]");
        box?.click();
        return;
      }
      case "?":
        document.querySelector<HTMLDialogElement>("dialog#keys")?.showModal();
    }
  });
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input:not([type=checkbox]), textarea, select");
}

function handled(event: KeyboardEvent, was: boolean): void {
  if (was) event.preventDefault();
}

function search(event: KeyboardEvent): void {
  const field = document.querySelector<HTMLElement>("main [data-search]");
  if (!field) return handled(event, openPalette());
  event.preventDefault();
  field.focus();
  if (field instanceof HTMLInputElement) field.select();
}

function rows(): HTMLTableRowElement[] {
  return [...document.querySelectorAll<HTMLTableRowElement>("table[data-list] tbody tr")];
}

function current(): HTMLTableRowElement | undefined {
  return rows().find((row) => row.classList.contains("is-current"));
}

function walk(step: number, event: KeyboardEvent): void {
  const all = rows();
  const from = current();
  const next = all[from ? all.indexOf(from) + step : step > 0 ? 0 : all.length - 1];
  if (!next) return;
  event.preventDefault();
  from?.classList.remove("is-current");
  next.classList.add("is-current");
  next.scrollIntoView({ block: "nearest" });
  next.querySelector<HTMLElement>("th a")?.focus({ preventScroll: true });
}

function follow(link: HTMLAnchorElement | null, event: KeyboardEvent): void {
  if (!link) return;
  event.preventDefault();
  link.click();
}
