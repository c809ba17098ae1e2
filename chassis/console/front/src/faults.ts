// What a service refused of a form, beside the fields it names; the rest in a note above the form.
import type { Fault, Problem } from "./ask";

export function clearFaults(form: HTMLElement): void {
  for (const each of form.querySelectorAll(".fault, .note[data-refusal]")) {
    for (const field of form.querySelectorAll(`[aria-describedby~="${each.id}"]`)) {
      const others = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id !== each.id);
      field.setAttribute("aria-describedby", others.join(" "));
      field.removeAttribute("aria-invalid");
    }
    each.remove();
  }
}

export function showFaults(form: HTMLFormElement, problem: Problem): void {
  const rest: Fault[] = [];
  let first: HTMLElement | undefined;
  for (const fault of problem.errors) {
    const field = fieldOf(form, fault.field);
    if (field) showFault(field, fault.message);
    else rest.push(fault);
    first ??= field;
  }
  if (rest.length || !first) {
    const told = rest.map((fault) => `${fault.field}: ${fault.message}`);
    const note = showNote(form, problem.title, sentence(problem.detail), told, problem.request_id);
    first ??= note;
  }
  first.focus();
}

export function showFault(field: HTMLElement, message: string): void {
  const made = cloned("fault");
  made.id = `fault-${Math.random().toString(36).slice(2)}`;
  made.querySelector("span")!.textContent = capitalised(message);
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", `${field.getAttribute("aria-describedby") ?? ""} ${made.id}`.trim());
  const choice = field.closest("label.choice");
  if (choice && field.matches(":checked")) choice.after(made);
  else (field.closest(".field") ?? field.closest("fieldset") ?? field.parentElement)?.append(made);
}

export function showNote(
  form: HTMLFormElement, title: string, text: string, told: string[] = [], requestId = "", link?: HTMLElement,
): HTMLElement {
  const note = cloned("note");
  const place = note.querySelector("div")!;
  note.dataset.refusal = "";
  note.tabIndex = -1;
  place.querySelector("strong")!.textContent = title;
  place.append(element("p", text));
  if (told.length) {
    const list = element("ul", "");
    list.append(...told.map((each) => element("li", each)));
    place.append(list);
  }
  if (link) place.append(link);
  if (requestId) {
    const request = element("p", "Request ");
    request.className = "muted small";
    request.append(element("code", requestId));
    place.append(request);
  }
  form.prepend(note);
  return note;
}

function cloned(id: string): HTMLElement {
  return document.querySelector<HTMLTemplateElement>(`template#${id}`)!.content.firstElementChild!.cloneNode(true) as HTMLElement;
}

function element(name: string, text: string): HTMLElement {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

/** `lines.2` is the third of what was sent as `lines`, or of that value; else a fault within it is the whole's. */
function fieldOf(form: HTMLFormElement, name: string): HTMLElement | undefined {
  const fields = [...form.elements].filter((each) => each instanceof HTMLElement && each.getAttribute("type") !== "hidden");
  const named = (wanted: string) => fields.filter((each) => each.getAttribute("name") === wanted) as HTMLInputElement[];
  const [list = "", place = ""] = name.split(".");
  const sent = named(list).filter((each) => !isBox(each) || each.checked);
  return named(name)[0] ?? sent.find((each) => place && each.value === place) ?? sent[Number(place || "none")] ?? named(list)[0];
}

function isBox(field: HTMLInputElement): boolean {
  return field.type === "checkbox" || field.type === "radio";
}

function sentence(text: string): string {
  return capitalised(text.endsWith(".") ? text : `${text}.`);
}

/** A word of the API, as `installer_paused`, reads as a sentence's; what is a string or an input to it is "this". */
function capitalised(text: string): string {
  const word = /^[a-z_]+$/.test(text) ? text.replaceAll("_", " ") : text;
  const told = word.replace(/^(Input|String|List) should/, "This should").replace(/^Field required$/, "This is required");
  return told.charAt(0).toUpperCase() + told.slice(1);
}
