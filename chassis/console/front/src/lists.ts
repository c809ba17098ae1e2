// A list's comforts: all rows of the page at once, how many are chosen, and menus that close by themselves.
export function bindLists(): void {
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (!(box instanceof HTMLInputElement)) return;
    const form = box.closest<HTMLFormElement>("form.selection");
    if (!form) return;
    const boxes = [...form.querySelectorAll<HTMLInputElement>("input[name=ids]")];
    if (box.matches("[data-selects-page]")) for (const each of boxes) each.checked = box.checked;
    const chosen = boxes.filter((each) => each.checked).length;
    const all = form.querySelector<HTMLInputElement>("[data-selects-page]");
    if (all) {
      all.checked = chosen === boxes.length;
      all.indeterminate = chosen > 0 && chosen < boxes.length;
    }
    const told = form.querySelector("[data-selected]");
    if (told) told.textContent = `${chosen} selected`;
  });
  document.addEventListener("click", (event) => {
    for (const open of opened()) if (!open.contains(event.target as Node)) open.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const open of opened()) {
      open.open = false;
      open.querySelector("summary")?.focus();
    }
  });
}

function opened(): HTMLDetailsElement[] {
  return [...document.querySelectorAll<HTMLDetailsElement>("details.pick[open]")];
}
