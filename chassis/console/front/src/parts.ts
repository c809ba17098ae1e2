// Pages that span the services: each service's share is fetched from it, and all of them appear at once.
import { ask } from "./ask";

const PATIENCE_MS = 1_500;
const LONGEST_MS = 10_000;

export function bindParts(): void {
  const shares = document.querySelector<HTMLElement>("[data-parts]");
  if (shares) void fill(shares);
}

async function fill(shares: HTMLElement): Promise<void> {
  const sections = [...shares.querySelectorAll<HTMLElement>("[data-part]")];
  const arrived = new Set<HTMLElement>();
  const all = Promise.all(sections.map((section) => load(section).finally(() => arrived.add(section))));
  await Promise.race([all, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
  // What is late goes last, so that it moves nothing of what is read already.
  shares.append(...sections.filter((section) => !arrived.has(section)));
  gather(shares, sections.filter((section) => arrived.has(section)));
  shares.classList.add("is-told");
  summarise(shares, (await all).some((wentWell) => !wentWell));
}

/** All that waits is one list, the urgent first, whichever service it is of. */
function gather(shares: HTMLElement, sections: HTMLElement[]): void {
  const place = shares.querySelector<HTMLElement>("[data-gathered]");
  const calls = sections.flatMap((section) => [...section.querySelectorAll<HTMLElement>(".calls > li")].map((call) => ({ section, call })));
  if (!place || !calls.length) return;
  const [urgent, rest] = [true, false].map((is) => calls.filter(({ call }) => call.classList.contains("urgent") === is));
  for (const { section, call } of [...(urgent ?? []), ...(rest ?? [])]) {
    const of = document.createElement("span");
    of.className = "of";
    of.textContent = section.querySelector("h2")?.textContent ?? "";
    call.querySelector(".told")?.after(of, " ");
    place.querySelector(".calls")?.append(call);
  }
  for (const section of sections) {
    for (const list of section.querySelectorAll(".calls:not(:has(li))")) list.remove();
    section.hidden = !section.querySelector("[data-share] > *");
  }
  place.hidden = false;
}

async function load(section: HTMLElement): Promise<boolean> {
  const place = section.querySelector<HTMLElement>("[data-share]");
  const html = await textOf(section.dataset.part ?? "", () => location.reload());
  if (!place) return false;
  if (html === undefined) {
    place.prepend(away(`${section.querySelector("h2")?.textContent ?? "A part"} does not answer`));
    return false;
  }
  place.innerHTML = html;
  section.hidden = !html.trim();
  return true;
}

/** Undefined where there is no answer; `ended` is called where the session is over and could not be renewed. */
export async function textOf(url: string, ended: () => void, signal?: AbortSignal): Promise<string | undefined> {
  const signals = [AbortSignal.timeout(LONGEST_MS), ...(signal ? [signal] : [])];
  try {
    const answer = await ask(url, { signal: AbortSignal.any(signals) });
    if (answer.status === 401) ended();
    return answer.ok ? await answer.text() : undefined;
  } catch {
    return undefined;
  }
}

function away(title: string): Node {
  const note = document.querySelector<HTMLTemplateElement>("template#away")?.content.cloneNode(true) as DocumentFragment;
  note.querySelector("strong")?.append(title);
  return note;
}

function summarise(shares: HTMLElement, isPartial: boolean): void {
  const told = document.querySelector<HTMLElement>("[data-told]");
  const quiet = shares.querySelector<HTMLElement>("[data-quiet]");
  if (!told || !quiet) return;
  const number = (selector: string) =>
    [...shares.querySelectorAll<HTMLElement>(selector)].reduce((sum, each) => sum + Number(each.dataset.number), 0);
  const waiting = number("[data-number]");
  const urgent = number(".urgent[data-number]");
  quiet.hidden = waiting > 0 || isPartial;
  if (!waiting) return;
  told.textContent = [`${waiting.toLocaleString("en-AU")} waiting`, urgent && `${urgent.toLocaleString("en-AU")} urgent`]
    .filter(Boolean)
    .join(", ");
}
