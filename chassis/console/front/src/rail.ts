// On a narrow page the rail is folded; without a script its link jumps to it.
export function bindRail(): void {
  const opener = document.querySelector<HTMLAnchorElement>("[data-opens-rail]");
  const nav = document.getElementById("rooms");
  if (!opener || !nav) return;
  opener.addEventListener("click", (event) => {
    event.preventDefault();
    opener.setAttribute("aria-expanded", String(nav.classList.toggle("is-open")));
  });
}
