// The page's one way to the service. The token lives in this module's memory and nowhere else.

const PATIENCE = 20_000; // milliseconds until a silent service counts as down
let token = "";

/** An answer, or a problem document's word and details. `NoAnswer` where the service is down or says to come back. */
export class NoAnswer extends Error {}
export class SignedOut extends Error {}

export async function signIn(secret) {
  const answer = await ask("v1/token", { secret });
  if (!answer.ok) return false;
  ({ token } = await answer.json());
  return true;
}

export function signOut() {
  token = "";
}

/** The labels of these waybills as one PDF, and an outcome for each. */
export async function print(asked) {
  const answer = await ask("v1/labels", asked);
  if (!answer.ok) throw new NoAnswer();
  const { outcomes, pdf } = await answer.json();
  return { outcomes, pdf: pdf && new Blob([Uint8Array.from(atob(pdf), (c) => c.charCodeAt(0))], { type: "application/pdf" }) };
}

/** {picture} of one label as it would be printed, or {refused} with the reason, or {rejected} with field and rule. */
export async function preview(asked) {
  const answer = await ask("v1/labels", asked, "image/png");
  if (answer.ok) return { picture: await answer.blob() };
  const problem = await answer.json();
  if (problem.reason) return { refused: problem };
  if (problem.errors) return { rejected: problem.errors[0] };
  throw new NoAnswer();
}

async function ask(path, document, accept = "application/json") {
  const body = new TextEncoder().encode(JSON.stringify(document));
  const headers = { "Content-Type": "application/json", Accept: accept };
  if (token) headers.Authorization = `Bearer ${token}`;
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST", headers, body, cache: "no-store", credentials: "omit", redirect: "error",
      referrerPolicy: "no-referrer", signal: AbortSignal.timeout(PATIENCE),
    });
  } catch {
    throw new NoAnswer();
  }
  if (answer.status === 401 && token) {
    token = "";
    throw new SignedOut();
  }
  if (answer.status >= 500) throw new NoAnswer();
  return answer;
}
