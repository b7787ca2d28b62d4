// What this desk keeps while the page is closed: its name, its paper, the shapes of its carrier's numbers, and the work that
// is not done: the job of a batch whose labels are not confirmed yet, the numbers that wait, and counts of the pile. No personal data, no label.

import { shelf } from "./shelf.js";

const DAY = 86_400_000;
const SHAPES = 20;

/**
 * The parcels on the table. `expected` is how many the clerk counted, `done` how many labels came out before a reload, and
 * `deaf` says for how many seconds between two times the scanner was not heard, until the clerk has scanned those parcels again.
 */
export function emptyPile() {
  return { expected: null, done: 0, deaf: null };
}

/** As it is kept. `work` belongs to the key that printed it: no other key may resume the job. */
export const desk = { station: "", paper: "100x180", shapes: [], work: null };

/** Read what is kept; the work only for the same key, and for a day. */
export async function open(owner) {
  const kept = (await shelf("desk", "readonly", (all) => all.get("desk"))) ?? {};
  Object.assign(desk, kept);
  const work = kept.work;
  desk.work = work?.owner === owner && Date.now() - work.at < DAY ? work : { owner, at: 0, batch: null, waiting: [], pile: emptyPile() };
  desk.station ||= `desk-${crypto.getRandomValues(new Uint16Array(1))[0].toString(36)}`;
}

let saving = Promise.resolve();

/** Keep it as it is now; done when it is on disk. */
export function save() {
  const copy = structuredClone(desk);
  if (copy.work) copy.work.at = Date.now();
  saving = saving.catch(() => null).then(() => shelf("desk", "readwrite", (all) => all.put(copy, "desk")));
  return saving;
}

/** A number's shape: which characters are digits and which letters. */
const shape = (number) => number.replace(/[0-9]/g, "0").replace(/[A-Z]/g, "A");

/** Learn the shape of a number that the service knows. */
export function learn(number) {
  const found = shape(number);
  if (!desk.shapes.includes(found)) desk.shapes = [...desk.shapes, found].slice(-SHAPES);
}

/** Whether a number looks like the end of one: shorter than those of this carrier, and shaped as their last characters. */
export function isTail(number) {
  const found = shape(number);
  return !desk.shapes.includes(found) && desk.shapes.some((known) => known.endsWith(found));
}

/** Whether this window is the only one of this browser: two would overwrite each other's work. */
export function isOnly() {
  alone ??= new Promise((held) => {
    navigator.locks.request("waybill-desk", () => (held(true), new Promise(() => null)));
  });
  return Promise.race([alone, new Promise((late) => setTimeout(late, 1000, false))]);
}

let alone = null;
