// How many wait in each room, beside its name in the rail. Asked anew after a while, not at every page.
import { ask } from "./ask";

const FRESH_MS = 20_000;
const KEPT = "counts";

export function bindCounts(): void {
  const rail = document.querySelector<HTMLElement>("[data-counts]");
  if (!rail) return sessionStorage.removeItem(KEPT);
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null") as { at: number; numbers: Numbers } | null;
  if (kept) show(kept.numbers);
  if (!kept || Date.now() - kept.at > FRESH_MS) void renew((rail.dataset.counts ?? "").split(" ").filter(Boolean));
}

type Numbers = Record<string, number>;

async function renew(urls: string[]): Promise<void> {
  const answers = await Promise.all(urls.map(numbersOf));
  const numbers = Object.assign({}, ...answers) as Numbers;
  show(numbers);
  sessionStorage.setItem(KEPT, JSON.stringify({ at: Date.now(), numbers }));
}

async function numbersOf(url: string): Promise<Numbers> {
  try {
    const answer = await ask(url);
    return answer.ok ? ((await answer.json()) as Numbers) : {};
  } catch {
    return {};
  }
}

function show(numbers: Numbers): void {
  for (const room of document.querySelectorAll<HTMLElement>("a[data-room]")) {
    const number = numbers[room.dataset.room ?? ""] ?? 0;
    room.querySelector(".count")?.remove();
    if (!number) continue;
    const count = document.createElement("span");
    count.className = "count";
    count.innerHTML = '<span class="out-of-sight"> wait</span>';
    count.prepend(number.toLocaleString("en-AU"));
    room.append(count);
  }
}
