// A form of rows gets one more without asking the server: the button works without scripts too.
export function bindRows(): void {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-adds-row]") : null;
    const rows = button?.closest("form")?.querySelector("[data-rows]");
    const last = rows?.lastElementChild;
    if (!rows || !last) return;
    event.preventDefault();
    const row = last.cloneNode(true) as HTMLElement;
    for (const field of row.querySelectorAll<HTMLInputElement | HTMLSelectElement>("input, select")) {
      if (field instanceof HTMLInputElement) field.value = "";
      else field.selectedIndex = 0;
      const label = field.getAttribute("aria-label")?.replace(/\d+$/, String(rows.children.length + 1));
      if (label) field.setAttribute("aria-label", label);
    }
    rows.append(row);
    row.querySelector<HTMLElement>("select, input")?.focus();
  });
}
