// Forms are sent without leaving the page: what is refused is shown beside what was typed, and nothing is sent twice.
// A form with `data-plain` is sent by the browser alone.
import { ask, codeOf, problemOf } from "./ask";
import { clearFaults, showFaults, showNote } from "./faults";
import { confirmed } from "./stepup";
import { keepToast } from "./toasts";

const busy = new Map<HTMLFormElement, HTMLElement | null>();

export function bindSubmit(): void {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !(form instanceof HTMLFormElement) || !isOurs(form, event.submitter)) return;
    event.preventDefault();
    if (!busy.has(form)) void send(form, event.submitter);
  });
  // A page that comes back as it was left has nothing under way.
  addEventListener("pageshow", (event) => event.persisted && [...busy.keys()].forEach(release));
}

function isOurs(form: HTMLFormElement, button: HTMLElement | null): boolean {
  // A field named "method" or "action" hides the form's own property.
  const method = button?.getAttribute("formmethod") ?? form.getAttribute("method");
  if (method?.toLowerCase() !== "post" || form.matches("[data-plain], [hx-post], [enctype='multipart/form-data']")) return false;
  return actionOf(form, button).origin === location.origin && document.body.dataset.renew !== undefined;
}

function actionOf(form: HTMLFormElement, button: HTMLElement | null): URL {
  return new URL(button?.getAttribute("formaction") ?? form.getAttribute("action") ?? "", location.href);
}

async function send(form: HTMLFormElement, button: HTMLElement | null): Promise<void> {
  const sent = new URLSearchParams(new FormData(form, button) as unknown as Record<string, string>);
  busy.set(form, button);
  button?.setAttribute("aria-busy", "true");
  clearFaults(form);
  let leaves = false;
  try {
    leaves = await settle(form, await answered(actionOf(form, button).href, sent));
  } catch {
    showNote(form, "No answer came", "What you wrote is still here. Look whether it was done before you send it again.").focus();
  }
  if (!leaves) release(form);
}

function release(form: HTMLFormElement): void {
  busy.get(form)?.removeAttribute("aria-busy");
  busy.delete(form);
}

/** Undefined where the operator would not confirm it. */
async function answered(url: string, sent: URLSearchParams): Promise<Response | undefined> {
  let isMarkRenewed = false;
  for (;;) {
    const answer = await ask(url, { method: "POST", body: sent, headers: { Accept: "application/json" } });
    const code = codeOf(await problemOf(answer.clone()));
    if (code === "step_up_required") {
      if (!(await confirmed())) return undefined;
    } else if (code === "foreign_form" && !isMarkRenewed) {
      isMarkRenewed = true;
      const mark = await newMark();
      if (!mark) return answer;
      sent.set("csrf", mark);
    } else return answer;
  }
}

/** The mark of the session that has followed the page's, unless it is another person's. */
async function newMark(): Promise<string | undefined> {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => undefined);
  if (!answer?.ok) return undefined;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const name = (root: Document) => root.querySelector(".me .name")?.textContent;
  const mark = page.querySelector<HTMLInputElement>("input[name=csrf]")?.value;
  if (!mark || name(page) !== name(document)) return undefined;
  for (const each of document.querySelectorAll<HTMLInputElement>("input[name=csrf]")) each.value = mark;
  return mark;
}

/** Whether the page is left. */
async function settle(form: HTMLFormElement, answer: Response | undefined): Promise<boolean> {
  if (!answer) return false;
  const problem = await problemOf(answer.clone());
  if (codeOf(problem) === "not_signed_in") {
    showNote(form, "Your session has ended", "What you wrote is still here: sign in, then send it again.", [], "", signIn()).focus();
    return false;
  }
  if (problem) {
    showFaults(form, problem);
    return false;
  }
  if (answer.redirected) return leave(form, new URL(answer.url));
  if (answer.headers.get("content-type")?.startsWith("text/html")) return !replace(await answer.text());
  const told = answer.status === 200 ? ((await answer.json()) as { location?: string }) : {};
  return leave(form, new URL(told.location ?? location.href, location.href));
}

function leave(form: HTMLFormElement, to: URL): true {
  keepToast(form);
  go(to);
  return true;
}

function signIn(): HTMLElement {
  const link = document.createElement("a");
  link.href = document.body.dataset.signIn ?? "";
  link.target = "_blank";
  link.rel = "noopener";
  link.textContent = "Sign in in another tab";
  return link;
}

/** A form can be answered with a page, which then stands where the form's was. */
function replace(html: string): boolean {
  const page = new DOMParser().parseFromString(html, "text/html");
  const [mine, theirs] = [document.getElementById("main"), page.getElementById("main")];
  if (!mine || !theirs) return false;
  document.title = page.title;
  mine.replaceChildren(...theirs.childNodes);
  mine.focus();
  return true;
}

function go(to: URL): void {
  const isHere = to.origin === location.origin && to.pathname === location.pathname && to.search === location.search;
  if (!isHere) return location.assign(to);
  if (to.hash !== location.hash) history.replaceState(history.state, "", to);
  location.reload();
}
