// Light, dark or as the system has it; and how dense the rows are. Kept in this browser alone.
const CHOICES = ["theme", "density"] as const;

export function bindTheme(): void {
  for (const name of CHOICES) apply(name, localStorage.getItem(name) ?? "");
  document.addEventListener("change", (event) => {
    const field = event.target;
    if (!(field instanceof HTMLSelectElement) || !field.dataset.choice) return;
    localStorage.setItem(field.dataset.choice, field.value);
    apply(field.dataset.choice, field.value);
  });
  for (const field of document.querySelectorAll<HTMLSelectElement>("select[data-choice]")) {
    field.value = localStorage.getItem(field.dataset.choice ?? "") ?? "";
    field.closest("[hidden]")?.removeAttribute("hidden");
  }
}

function apply(name: string, value: string): void {
  if (value) document.documentElement.dataset[name] = value;
  else delete document.documentElement.dataset[name];
}
