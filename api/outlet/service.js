// The page's one way to the service. The token lives in this module's memory and nowhere else; each request is signed by
// this computer's key, unless somebody came with a secret, as the demo gives.

import * as device from "./device.js";

const PATIENCE = 20_000; // milliseconds until a silent service counts as down
let token = "";
let key = null;
let ahead = 0; // seconds by which the service's clock is ahead of ours

/** The service is down, or says to come back. */
export class NoAnswer extends Error {}
export class SignedOut extends Error {}

/** Whether this computer has an enrolled key. */
export const known = async () => Boolean(await device.find("device"));

/** Signs in with a code (the first time, wbc1_...), with a secret, or with nothing but this computer's key. */
export async function signIn(shown) {
  signOut();
  if (shown && !shown.startsWith("wbc1_")) return entered({ secret: shown }, null);
  if (!shown) return entered({}, await device.find("device"));
  const next = (await device.find("next")) ?? (await device.make("next"));
  if (await entered({ code: shown }, next)) {
    await device.enrolled(next);
    return true;
  }
  await device.forget("next");
  return false;
}

async function entered(document, pair) {
  key = pair;
  const answer = await ask("v1/token", document);
  if (!answer.ok) return false;
  ({ token } = await answer.json());
  return true;
}

export function signOut() {
  token = "";
  key = null;
}

/** This computer's key is gone for good; whoever wants to work here again needs a new code. */
export const forget = () => device.forget("device");

/** The labels of these waybills as one PDF, and an outcome for each. */
export async function print(asked) {
  const answer = await ask("v1/labels", asked);
  if (!answer.ok) throw new NoAnswer();
  const { outcomes, pdf } = await answer.json();
  return { outcomes, pdf: pdf && new Blob([Uint8Array.from(atob(pdf), (c) => c.charCodeAt(0))], { type: "application/pdf" }) };
}

/** {picture} of one label as it would be printed, or the {reason} of the refusal, or the {field} and {rule} that it breaks. */
export async function preview(asked) {
  const answer = await ask("v1/labels", asked, "image/png");
  if (answer.ok) return { picture: await answer.blob() };
  const problem = await answer.json();
  if (problem.reason) return problem;
  if (problem.errors) return problem.errors[0];
  throw new NoAnswer();
}

async function ask(path, document, accept = "application/json") {
  let answer = await send(path, document, accept);
  if (answer.status === 401 && key && (await setClock(answer))) answer = await send(path, document, accept);
  if (answer.status === 401 && token) {
    signOut();
    throw new SignedOut();
  }
  if (answer.status >= 500) throw new NoAnswer();
  return answer;
}

async function send(path, document, accept) {
  const body = new TextEncoder().encode(JSON.stringify(document));
  const headers = { "Content-Type": "application/json", Accept: accept };
  if (token) headers.Authorization = `${key ? "DPoP" : "Bearer"} ${token}`;
  if (key) headers.DPoP = await device.proof(key, new URL(path, location.href).href, body, token, Date.now() / 1000 + ahead);
  try {
    return await fetch(path, {
      method: "POST", headers, body, cache: "no-store", credentials: "omit", redirect: "error",
      referrerPolicy: "no-referrer", signal: AbortSignal.timeout(PATIENCE),
    });
  } catch {
    throw new NoAnswer();
  }
}

/** Whether a proof was refused for its time: from now on the service's clock is gone by. */
async function setClock(answer) {
  const { now } = await answer.clone().json();
  if (!now) return false;
  ahead = (Date.parse(now) - Date.now()) / 1000;
  return true;
}
