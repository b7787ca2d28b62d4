// This computer's key: made here, never to leave the browser, and the proofs that it signs (DPoP, RFC 9449, ES256).
// IndexedDB holds the key itself, which no script can read, only sign with.

import { shelf } from "./shelf.js";

const CURVE = { name: "ECDSA", namedCurve: "P-256" };

/** The key of a name: "device" is the enrolled one, "next" one whose code is not accepted yet. Null if there is no such key. */
export const find = (name) => shelf("keys", "readonly", (keys) => keys.get(name)).catch(() => null);

/** Make a new key and store it before it is sent, so that a lost answer does not lose the enrolment. */
export async function make(name) {
  const pair = await crypto.subtle.generateKey(CURVE, false, ["sign"]);
  await shelf("keys", "readwrite", (keys) => keys.put(pair, name));
  return pair;
}

/** Make the waiting key the enrolled one. */
export async function enrolled(pair) {
  await shelf("keys", "readwrite", (keys) => (keys.delete("next"), keys.put(pair, "device")));
}

export const forget = (name) => shelf("keys", "readwrite", (keys) => keys.delete(name));

/** The key's name: the x coordinate of its public half. */
export const name = async (pair) => (await crypto.subtle.exportKey("jwk", pair.publicKey)).x;

/** The proof for one POST of these bytes to this address, with this token if there is one, at this time in seconds. */
export async function proof(pair, address, body, token, at) {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const claims = { jti: crypto.randomUUID(), htm: "POST", htu: address, iat: Math.floor(at), bsh: await digest(body) };
  if (token) claims.ath = await digest(bytes(token));
  const head = { typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } };
  const text = [head, claims].map((part) => base64url(bytes(JSON.stringify(part)))).join(".");
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, bytes(text));
  return `${text}.${base64url(new Uint8Array(signature))}`;
}

const bytes = (text) => new TextEncoder().encode(text);
const digest = async (data) => base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", data)));
const base64url = (data) =>
  btoa(String.fromCharCode(...data)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
