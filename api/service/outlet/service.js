// All requests to the service. The token is only in this module's memory. Each request is signed by this computer's key,
// unless the clerk signed in with a secret, as in the demo.

import * as device from "./device.js";

const PATIENCE = 20_000; // milliseconds until a silent service counts as down
let token = "";
let key = null;
let ahead = 0; // seconds by which the service's clock is ahead of this computer's

/** The service is down, or says to come back. */
export class NoAnswer extends Error {}
export class SignedOut extends Error {}

/** Whether this computer has an enrolled key. */
export const known = async () => Boolean(await device.find("device"));

/** Signs in with a code (the first time, wbc1_...), with a secret, or with nothing but this computer's key. Null, or why not. */
export async function signIn(shown) {
  signOut();
  if (shown && !shown.startsWith("wbc1_")) return entered({ secret: shown }, null);
  if (!shown) return entered({}, await device.find("device"));
  const next = (await device.find("next")) ?? (await device.make("next"));
  const refused = await entered({ code: shown }, next);
  if (refused) await device.forget("next");
  else await device.enrolled(next);
  return refused;
}

async function entered(document, pair) {
  key = pair;
  const answer = await ask("v1/token", document);
  if (!answer.ok) return refusal(answer);
  ({ token } = await answer.json());
  return null;
}

export function signOut() {
  token = "";
  key = null;
}

/** Whose work this is: the name of the key that signs, "" for a secret's. */
export const owner = async () => (key ? device.name(key) : "");

/** Delete this computer's key permanently. To work here again, a new code is needed. */
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
  return answer.ok ? { picture: await answer.blob() } : refusal(answer);
}

/** What a problem says: a reason, and in how many seconds it may be asked again; or the first broken rule. */
async function refusal(answer) {
  const { reason, errors } = await answer.json();
  if (errors) return errors[0];
  if (!reason && answer.status !== 401) throw new NoAnswer();
  return { reason: reason ?? "unauthenticated", retry_after: Number(answer.headers.get("Retry-After")) || null };
}

async function ask(path, document, accept = "application/json") {
  if (path !== "v1/token") await renewing?.catch(() => null);
  const held = token;
  let answer = await send(path, document, accept);
  if (answer.status === 401 && key && (await setClock(answer))) answer = await send(path, document, accept);
  if (answer.status === 401 && held) {
    if (await renewed(held)) answer = await send(path, document, accept);
    if (answer.status === 401) {
      signOut();
      throw new SignedOut();
    }
  }
  if (answer.status >= 500) throw new NoAnswer();
  return answer;
}

let renewing = null;

/** Whether there is a new token: this computer's key gives one without a hand, once for all who wait for it. */
async function renewed(held) {
  if (!renewing && token !== held) return Boolean(token);
  if (!key) return false;
  renewing ??= renew().finally(() => (renewing = null));
  return renewing;
}

async function renew() {
  const held = token;
  token = "";
  try {
    return !(await entered({}, key));
  } catch (error) {
    token = held; // no answer: to be tried again
    throw error;
  }
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
