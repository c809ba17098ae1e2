// Asks services of ours in the session's name. An access that has run out is renewed once, as a page's reload would.
export interface Fault {
  field: string;
  code: string;
  message: string;
}

export interface Problem {
  type: string;
  title: string;
  detail: string;
  errors: Fault[];
  request_id: string;
}

let renewing: Promise<boolean> | undefined;

export async function ask(url: string, init: RequestInit = {}): Promise<Response> {
  const send = () => fetch(url, { credentials: "include", ...init });
  const answer = await send();
  if (answer.status !== 401 || codeOf(await problemOf(answer.clone())) !== "not_signed_in") return answer;
  renewing ??= renew().finally(() => (renewing = undefined));
  return (await renewing) ? send() : answer;
}

async function renew(): Promise<boolean> {
  const url = document.body.dataset.renew;
  if (!url) return false;
  const answer = await fetch(`${url}?part=1`, { credentials: "include" }).catch(() => undefined);
  return answer?.ok ?? false;
}

export async function problemOf(answer: Response): Promise<Problem | undefined> {
  if (!answer.headers.get("content-type")?.startsWith("application/problem+json")) return undefined;
  return (await answer.json()) as Problem;
}

export function codeOf(problem: Problem | undefined): string {
  return problem?.type.split(":").pop() ?? "";
}
