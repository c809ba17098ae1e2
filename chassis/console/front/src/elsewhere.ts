// What other services know of a thing, each beneath its own heading on the thing's page.
import { textOf } from "./parts";

export function bindElsewhere(): void {
  for (const section of document.querySelectorAll<HTMLElement>("[data-elsewhere]")) void load(section);
}

async function load(section: HTMLElement): Promise<void> {
  const url = section.dataset.elsewhere ?? "";
  const place = section.querySelector<HTMLElement>("[data-share]");
  const html = await textOf(url, () => undefined);
  // Where the service does not answer, its link stays.
  if (!place || html === undefined) return;
  place.innerHTML = html;
  // Its paths are those of the service that told them.
  for (const link of place.querySelectorAll<HTMLAnchorElement>('a[href^="/"]')) {
    link.href = new URL(link.getAttribute("href") ?? "", new URL(url, location.href)).href;
  }
}
