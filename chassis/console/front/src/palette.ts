// One field for all: rooms by their title at once, and whatever the services find, as one types.
import { textOf } from "./parts";

const PAUSE_MS = 150;
const SHORTEST = 2;

let dialog: HTMLDialogElement;
let field: HTMLInputElement;
let list: HTMLElement;
let asking: AbortController | undefined;
let pause = 0;
/** Whether the operator has walked to an option: then it stays chosen as more are found. */
let hasWalked = false;

export function bindPalette(): void {
  const found = document.querySelector<HTMLDialogElement>("dialog#palette");
  if (!found) return;
  dialog = found;
  field = dialog.querySelector<HTMLInputElement>("[role=combobox]")!;
  list = dialog.querySelector<HTMLElement>("[role=listbox]")!;
  field.addEventListener("input", typed);
  field.addEventListener("keydown", walk);
  dialog.addEventListener("close", () => asking?.abort());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  list.addEventListener("pointermove", (event) => {
    hasWalked = true;
    choose((event.target as HTMLElement).closest<HTMLElement>("[role=option]"));
  });
  const opener = document.querySelector<HTMLInputElement>("[data-palette]");
  opener?.addEventListener("click", () => openPalette(opener.value));
  opener?.addEventListener("input", () => {
    const text = opener.value;
    opener.value = "";
    openPalette(text);
  });
}

export function openPalette(text = ""): boolean {
  if (!dialog) return false;
  field.value = text;
  if (!dialog.open) dialog.showModal();
  field.focus();
  typed();
  return true;
}

function typed(): void {
  const text = field.value.trim();
  hasWalked = false;
  asking?.abort();
  clearTimeout(pause);
  for (const group of groups()) group.replaceChildren();
  rooms(text);
  settle();
  say("");
  if (text.length < SHORTEST) return;
  const mine = (asking = new AbortController());
  pause = window.setTimeout(() => void find(text, mine.signal), PAUSE_MS);
}

function groups(): HTMLElement[] {
  return [...list.querySelectorAll<HTMLElement>("[role=group]")];
}

function rooms(text: string): void {
  const group = groupNamed("Rooms", "rooms-found", (made) => list.prepend(made));
  for (const room of document.querySelectorAll<HTMLAnchorElement>("a[data-room]")) {
    const title = room.querySelector(".title")?.textContent ?? "";
    if (!title.toLowerCase().includes(text.toLowerCase())) continue;
    const keys = `g ${[...(room.dataset.key ?? "")].join(" ")}`;
    group.append(option(room.href, room.querySelector(".icon"), title, "", keys));
  }
  const everything = groupNamed("Everything", "everything-found", (made) => list.append(made));
  if (text.length < SHORTEST) return;
  const icon = dialog.querySelector(".asked .icon");
  const url = `${list.dataset.everything}?q=${encodeURIComponent(text)}`;
  everything.append(option(url, icon, `All that is found for “${text}”`, "", ""));
}

function groupNamed(label: string, id: string, place: (made: HTMLElement) => void): HTMLElement {
  let group = document.getElementById(id);
  if (!group) {
    group = document.createElement("div");
    group.id = id;
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", label);
    place(group);
  }
  return group;
}

async function find(text: string, signal: AbortSignal): Promise<void> {
  say("Searching");
  const away: string[] = [];
  let isOver = false;
  const sources = [...list.querySelectorAll<HTMLElement>("[data-finds]")];
  const tell = async (source: HTMLElement) => {
    const url = `${source.dataset.finds}?part=1&q=${encodeURIComponent(text)}`;
    const html = await textOf(url, () => (isOver = true), signal);
    if (signal.aborted) return;
    if (html === undefined) away.push(source.getAttribute("aria-label") ?? "");
    else show(source, html);
  };
  await Promise.all(sources.map(tell));
  if (signal.aborted) return;
  if (isOver) return say("Your session has ended: sign in in another tab, then search again");
  const number = list.querySelectorAll("[data-finds] [role=option]").length;
  say([number ? `${number} found` : "Nothing found", ...away.map((name) => `${name} does not answer`)].join("; "));
}

function show(source: HTMLElement, html: string): void {
  const part = new DOMParser().parseFromString(html, "text/html");
  for (const link of part.querySelectorAll("a")) {
    const kind = link.closest("ul")?.previousElementSibling?.textContent ?? "";
    const [title, detail] = [link.querySelector("strong")?.textContent, link.querySelector("span")?.textContent];
    // Relative links are of this page's host, as the services share it then.
    const url = new URL(link.getAttribute("href") ?? "", location.href).href;
    source.append(option(url, null, title ?? "", detail ?? "", kind));
  }
  settle();
}

function option(href: string, icon: Element | null, title: string, detail: string, aside: string): HTMLAnchorElement {
  const made = document.createElement("a");
  made.href = href;
  made.id = `option-${Math.random().toString(36).slice(2)}`;
  made.tabIndex = -1;
  made.setAttribute("role", "option");
  if (icon) made.append(icon.cloneNode(true));
  for (const [name, text] of [["title", title], ["detail", detail], ["aside", aside]] as const) {
    if (!text) continue;
    const part = document.createElement("span");
    part.className = name;
    part.textContent = text;
    made.append(part, " ");
  }
  return made;
}

function options(): HTMLElement[] {
  return [...list.querySelectorAll<HTMLElement>("[role=option]")];
}

/** Empty groups are hidden, and the first option is chosen unless the operator chose another. */
function settle(): void {
  for (const group of groups()) group.hidden = !group.childElementCount;
  const walkedTo = hasWalked ? options().find((each) => each.ariaSelected === "true") : undefined;
  choose(walkedTo ?? options()[0] ?? null);
}

function choose(chosen: HTMLElement | null): void {
  if (!chosen && options().length) return;
  for (const each of options()) each.ariaSelected = String(each === chosen);
  if (chosen) field.setAttribute("aria-activedescendant", chosen.id);
  else field.removeAttribute("aria-activedescendant");
}

function walk(event: KeyboardEvent): void {
  const all = options();
  const at = all.findIndex((each) => each.ariaSelected === "true");
  if (event.key === "Enter") {
    event.preventDefault();
    all[at]?.click();
    return;
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !all.length) return;
  event.preventDefault();
  hasWalked = true;
  const next = all[(at + step + all.length) % all.length] ?? null;
  choose(next);
  next?.scrollIntoView({ block: "nearest" });
}

function say(text: string): void {
  const place = dialog.querySelector("[role=status]");
  if (place) place.textContent = text;
}
