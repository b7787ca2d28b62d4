// Printing: one batch at a time, under a job of its own that is kept before the service is asked. The same job gives the same
// prints, counted once, so that a batch can be had again after a lost answer, a reload or a jam, until the clerk confirms it.

import { desk, save } from "./desk.js";
import { hears, pause } from "./scanner.js";
import { NoAnswer, SignedOut, print } from "./service.js";
import { $, MOST, draw, inState, mark, scanned, seen, tell, why } from "./view.js";

const INSTANT = 50; // milliseconds within which no print window has been open

/** What is kept of the work: numbers, jobs and reasons. */
export function keepWork() {
  desk.work.batch = seen.batch && { ...seen.batch, ids: inState("printing", "made", "doubt").map((row) => row.number) };
  desk.work.waiting = inState("ready", "checking", "unanswered").map((row) => [row.number, row.reason]);
  desk.work.pile = { ...seen.pile, done: seen.pile.done + inState("printed").length };
  return save();
}

/** Print what is ready, as a new batch. `ended` is called where the sign-in has ended. */
export async function printReady(ended) {
  if (seen.batch) return tell("bad", (said) => said.confirmFirst);
  const wanted = inState("ready").slice(0, MOST);
  const reprints = wanted.filter((row) => row.reason).map((row) => ({ id: row.number, reason: row.reason }));
  seen.batch = { job: newJob(), template: desk.paper, station: desk.station, reprints, received: false };
  await sent(wanted, ended);
}

/** Print the batch again under its own job: the labels that did not come out, or all. */
export async function printAgain(ended) {
  const doubts = inState("doubt");
  await sent(doubts.length ? doubts : inState("made"), ended);
}

async function sent(wanted, ended) {
  for (const row of wanted) mark(row, "printing", (said) => said.printing);
  $("number").focus();
  const { job, template, station, reprints } = seen.batch;
  try {
    await keepWork();
    const { outcomes, pdf } = await print({ ids: wanted.map((row) => row.number), job, template, station, reprints });
    if (!seen.batch) return; // signed out meanwhile; it is kept
    wanted.forEach((row, n) => {
      const { outcome, page, notes } = outcomes[n];
      if (outcome === "printed") mark(row, "made", (said) => [said.made(page), ...notes.map((each) => why(each)(said))].join(said.also));
      else mark(row, "bad", why(outcomes[n]));
    });
    seen.batch.received = true;
    const many = wanted.filter((row) => row.state === "made").length;
    if (!inState("made", "doubt").length) seen.batch = null;
    keepWork();
    if (!pdf) return tell("bad", (said) => said.nothingPrinted);
    keepDocument(URL.createObjectURL(pdf));
    tell("done", (said) => said.documentReady(many));
    openPrinting();
  } catch (error) {
    for (const row of wanted) if (row.state === "printing") mark(row, "made", (said) => said.unconfirmed);
    if (error instanceof SignedOut) return ended();
    if (!(error instanceof NoAnswer)) throw error;
    tell("bad", (said) => said.lost);
  }
}

/** The clerk says that the labels that are not in doubt have come out. */
export async function confirm() {
  const well = inState("made");
  const doubts = inState("doubt").map((row) => row.number);
  desk.work.batch = doubts.length ? { ...seen.batch, ids: doubts } : null;
  await save(); // before the page says so: a reload right after it must not ask again
  for (const row of well) mark(row, "printed", (said) => said.printed);
  if (!doubts.length) seen.batch = null;
  if (!seen.batch) keepDocument("");
  keepWork();
  const missing = seen.pile.expected && seen.pile.expected - scanned();
  tell(missing > 0 ? "bad" : "done", (said) => said.confirmed(well.length) + (missing > 0 ? said.stillMissing(missing) : ""));
  $("number").focus();
}

/** The clerk says that a label did not come out, or that it did. */
export function doubt(row) {
  if (row.state === "made") mark(row, "doubt", (said) => said.doubt);
  else mark(row, "made", (said) => said.unconfirmed);
}

export function keepDocument(address) {
  if ($("download").href) URL.revokeObjectURL($("download").href);
  if (address) $("download").href = address;
  else $("download").removeAttribute("href");
  $("download").hidden = !address;
}

/** The browser's print window for the document; where it does not print frames, the document in a window of its own. */
function openPrinting() {
  const frame = $("document");
  frame.onload = async () => {
    await pause();
    const began = performance.now();
    try {
      frame.contentWindow.print();
    } catch {
      window.open($("download").href);
    }
    const open = performance.now() - began;
    if (open > INSTANT) hears(open); // what was typed meanwhile went there
    draw();
    if (document.activeElement.matches("body, iframe")) $("number").focus(); // not from a button that is about to be pressed
  };
  frame.src = $("download").href;
}

function newJob() {
  const random = crypto.getRandomValues(new Uint32Array(2));
  return `${new Date().toISOString().slice(0, 10)}-${Array.from(random, (each) => each.toString(36)).join("")}`;
}
