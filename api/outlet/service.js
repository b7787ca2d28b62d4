// The page's one way to the service. The token lives in this module's memory and nowhere else. The key that signs each request
// (DPoP, RFC 9449) is the browser's: it is kept there between visits, and given out to nobody, this page included.

const PATIENCE = 20_000; // milliseconds until a silent service counts as down
let token = "";
let scheme = "DPoP"; // "Bearer" with a demo's secret
let ahead = 0; // seconds by which the service's clock is ahead of this one
let pair = null;

/** An answer, or a problem document's word and details. `NoAnswer` where the service is down or says to come back. */
export class NoAnswer extends Error {}
export class SignedOut extends Error {}

/** Sign in by this browser's key: with the one-time code of the enrolment the first time, with nothing after that. */
export async function signIn(shown) {
  const plain = shown.startsWith("wbs1_");
  scheme = plain ? "Bearer" : "DPoP";
  const answer = await ask("v1/token", plain ? { secret: shown } : shown ? { code: shown } : {});
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
  let answer = await send(path, body, accept);
  if (answer.status === 401 && (await moved(answer))) answer = await send(path, body, accept);
  if (answer.status === 401 && token) {
    token = "";
    throw new SignedOut();
  }
  if (answer.status >= 500) throw new NoAnswer();
  return answer;
}

async function send(path, body, accept) {
  const headers = { "Content-Type": "application/json", Accept: accept };
  if (token) headers.Authorization = `${scheme} ${token}`;
  try {
    if (scheme === "DPoP") headers.DPoP = await proof(path, body);
    return await fetch(path, {
      method: "POST", headers, body, cache: "no-store", credentials: "omit", redirect: "error",
      referrerPolicy: "no-referrer", signal: AbortSignal.timeout(PATIENCE),
    });
  } catch {
    throw new NoAnswer();
  }
}

/** Whether a proof was refused because this machine's clock is wrong; from now on the service's is gone by. */
async function moved(answer) {
  const { now } = await answer.clone().json();
  if (!now) return false;
  const before = ahead;
  ahead = (Date.parse(now) - Date.now()) / 1000;
  return Math.abs(ahead - before) > 1;
}

async function proof(path, body) {
  const { privateKey, publicKey } = await key();
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", publicKey);
  const claims = {
    jti: crypto.randomUUID(), htm: "POST", htu: new URL(path, document.baseURI).href,
    iat: Math.floor(Date.now() / 1000 + ahead), bsh: await hash(body),
    ...(token && { ath: await hash(bytes(token)) }),
  };
  const parts = [{ typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } }, claims];
  const signed = parts.map((part) => base64(bytes(JSON.stringify(part)))).join(".");
  return `${signed}.${base64(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, privateKey, bytes(signed)))}`;
}

/** This browser's key, made on first use. */
async function key() {
  if (pair) return pair;
  const opening = indexedDB.open("waybill", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("device");
  const kept = await done(opening);
  pair = await done(kept.transaction("device").objectStore("device").get("key"));
  if (!pair) {
    pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
    await done(kept.transaction("device", "readwrite").objectStore("device").put(pair, "key"));
  }
  kept.close();
  return pair;
}

const bytes = (text) => new TextEncoder().encode(text);
const hash = async (data) => base64(await crypto.subtle.digest("SHA-256", data));
const base64 = (data) =>
  btoa(String.fromCharCode(...new Uint8Array(data))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const done = (request) =>
  new Promise((yes, no) => {
    request.onsuccess = () => yes(request.result);
    request.onerror = () => no(request.error);
  });
