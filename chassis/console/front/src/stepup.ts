// A fresh second factor, asked for over the page. Whatever waits for it stays where it is until the code was right.
import { ask, problemOf } from "./ask";
import { clearFaults, showFault } from "./faults";

let waiting: Promise<boolean> | undefined;

/** False where it was cancelled. */
export function confirmed(): Promise<boolean> {
  waiting ??= confirm().finally(() => (waiting = undefined));
  return waiting;
}

function confirm(): Promise<boolean> {
  const dialog = document.querySelector<HTMLDialogElement>("dialog#step-up");
  const form = dialog?.querySelector("form");
  const code = form?.querySelector<HTMLInputElement>("[name=totp_code]");
  if (!dialog || !form || !code) return Promise.resolve(false);
  clearFaults(form);
  code.value = "";
  dialog.showModal();
  code.focus();
  return new Promise((resolve) => {
    const over = new AbortController();
    let wasRight = false;
    const end = { signal: over.signal };
    dialog.querySelector("[data-closes]")?.addEventListener("click", () => dialog.close(), end);
    dialog.addEventListener("close", () => (over.abort(), resolve(wasRight)), end);
    form.addEventListener(
      "submit",
      (event) => {
        event.preventDefault();
        void check(form, code).then((isRight) => {
          wasRight = isRight && dialog.open;
          if (isRight) dialog.close();
        });
      },
      end,
    );
  });
}

async function check(form: HTMLFormElement, code: HTMLInputElement): Promise<boolean> {
  const button = form.querySelector("button.primary");
  if (button?.ariaBusy === "true") return false;
  button?.setAttribute("aria-busy", "true");
  clearFaults(form);
  const refused = await refusal(form).finally(() => button?.removeAttribute("aria-busy"));
  if (refused === undefined) return true;
  showFault(code, refused);
  code.select();
  return false;
}

async function refusal(form: HTMLFormElement): Promise<string | undefined> {
  const body = new URLSearchParams(new FormData(form) as unknown as Record<string, string>);
  try {
    const answer = await ask(form.getAttribute("action") ?? "", { method: "POST", body, headers: { Accept: "application/json" } });
    if (answer.ok) return undefined;
    return (await problemOf(answer))?.detail ?? "The code could not be checked: try again.";
  } catch {
    return "No answer came: try again.";
  }
}
