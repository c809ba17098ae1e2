// What waited for a fresh second factor goes on by itself; without a script its button is pressed.
export function bindResumption(): void {
  document.querySelector<HTMLFormElement>("form[data-resumes]")?.requestSubmit();
}
