// The outlet's page: numbers come in from a scanner or the keyboard, each is looked at, and batches are printed as one PDF.
// Kept are this computer's key (device.js) and the work that is not done (desk.js); addresses and cookies hold no data.

import { confirm, doubt, keepDocument, keepWork, printAgain, printReady } from "./batch.js";
import { desk, emptyPile, isOnly, isTail, learn, open, save } from "./desk.js";
import { listen, wasCut } from "./scanner.js";
import { NoAnswer, SignedOut, forget as forgetDevice, known, owner, preview, signIn, signOut } from "./service.js";
import { $, acts, draw, inState, mark, seen, speak, tell, tune, why, words } from "./view.js";

const STRANGERS = 5; // numbers in a row that are not for this outlet, before the page asks what is going on
const { rows } = seen;
let checks = Promise.resolve(); // one after the other, in order of scanning
let silent = 0; // checks that were asked for before this time go unanswered: the service did not answer one of them
let held = null; // why no number is looked at until "check again" is pressed, as a function of the words
let strangers = 0;
let doubted = ""; // a number that was refused for its form: entered once more, it is meant
let resting = 0; // until when the service wants to be left alone, and what it said
let restWords = null;

// ---- scanning

$("scan").addEventListener("submit", (event) => {
  event.preventDefault();
  const typed = $("number").value.normalize("NFKC").trim();
  $("number").value = "";
  const cut = wasCut();
  if (typed && cut) tell("bad", (said) => `${typed}  ${said.cutOff}`);
  else if (typed) take(typed);
});

function take(typed) {
  const number = typed.startsWith("wb1_") ? typed : typed.toUpperCase();
  if (/^WB1[0-9A-Z]{50,}$/.test(number)) return tell("bad", (said) => said.labelCode);
  if (!/^(wb1_[0-9a-z]{26}|[0-9A-Z-]{6,32})$/.test(number)) return tell("bad", (said) => said.notANumber);
  if (isTail(number) && doubted !== number) {
    doubted = number;
    return tell("bad", (said) => `${number}  ${said.tail}`);
  }
  doubted = "";
  const known = rows.get(number);
  const settled = seen.pile.deaf ? ["bad", "unanswered"] : ["bad", "printed", "unanswered"];
  if (known && !settled.includes(known.state)) {
    return tell(seen.pile.deaf ? "ready" : "bad", (said) => `${number}  ${said.alreadyHere}`);
  }
  if (known) forget(known);
  const row = added(number);
  tell("checking", (said) => `${number}  ${said.checking}`);
  check([row]);
}

function added(number, reason = null) {
  const row = { number, reason, state: "checking", say: (said) => said.checking, picture: "", mayReprint: false };
  rows.set(number, row);
  return row;
}

/** Look at rows again, in order; each gets its outcome, and the last one is the one that is shown. */
function check(some) {
  for (const row of some) {
    mark(row, "checking", (said) => said.checking);
    const turn = (row.turn = (row.turn ?? 0) + 1);
    const at = performance.now();
    checks = checks.then(() => (rows.get(row.number) === row && row.turn === turn ? checked(row, turn, at) : null));
  }
  keepWork();
}

async function checked(row, turn, at) {
  if (held || Date.now() < resting || at < silent) return unanswered(row, held);
  try {
    const { paper: template, station } = desk;
    const answer = await preview({ ids: [row.number], job: "preview", template, station, reason: row.reason });
    if (row.turn !== turn) return; // another paper or reason was chosen meanwhile
    row.mayReprint = answer.reason === "reprint-needs-outlet-and-reason";
    row.byPaper = Boolean(answer.rule);
    row.stranger = answer.reason === "unknown";
    if (answer.picture) looksGood(row, answer.picture);
    else if (answer.retry_after) return rest(row, answer);
    else mark(row, "bad", why(answer));
    keepWork();
    tell(row.state, (said) => `${row.number}  ${row.say(said)}`);
    countStrangers(row.stranger);
  } catch (error) {
    failed(error, row);
  }
}

function looksGood(row, picture) {
  URL.revokeObjectURL(row.picture);
  row.picture = URL.createObjectURL(picture);
  seen.shown = row;
  learn(row.number);
  mark(row, "ready", (said) => said.ready);
}

/** The service says when it may be asked again: this number waits, and so do those behind it. */
function rest(row, answer) {
  resting = Date.now() + answer.retry_after * 1000;
  restWords = why(answer);
  unanswered(row);
}

/** The number was not looked at; the big line says why. */
function unanswered(row, line = null) {
  const waits = Date.now() < resting;
  mark(row, "unanswered", waits ? restWords : (said) => said.unanswered);
  tell("bad", line ?? (waits ? restWords : (said) => said.noAnswer));
}

/** A sack of another outlet is noticed before the service locks who asks about it. */
function countStrangers(stranger) {
  strangers = stranger ? strangers + 1 : 0;
  if (strangers < STRANGERS) return;
  held = (said) => said.strangers;
  tell("bad", held);
}

function failed(error, row) {
  if (!(error instanceof NoAnswer || error instanceof SignedOut)) throw error;
  silent = performance.now();
  unanswered(row);
  if (error instanceof SignedOut) door((said) => said.ended);
}

function checkAgain() {
  held = null;
  strangers = resting = 0;
  check(inState("unanswered"));
}

// ---- coming, going, forgetting

function forget(row) {
  URL.revokeObjectURL(row.picture);
  rows.delete(row.number);
  if (seen.shown === row) seen.shown = null;
}

function clear() {
  seen.pile = { ...emptyPile(), deaf: seen.pile.deaf };
  $("expected").value = "";
  for (const row of inState("ready", "checking", "bad", "unanswered", "printed")) forget(row);
  seen.last = null;
  $("last").dataset.state = "idle";
  draw();
  $("number").focus();
}

async function door(say) {
  $("desk").hidden = $("leave").hidden = true;
  $("door").hidden = false;
  $("refused").textContent = say ? say(words()) : "";
  $("secret").focus();
  speak();
  seen.enrolled = await known();
  speak();
}

/** Sign in; null, or why not, as a function of the words. */
async function signedIn(secret) {
  if (!(await isOnly())) return (said) => said.elsewhere;
  if (!secret && !(await known())) return (said) => said.wrongSecret;
  try {
    const refused = await signIn(secret);
    if (refused) return (said) => (said.refusals[refused.reason] ? why(refused)(said) : said.wrongSecret);
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return (said) => said.noAnswer;
  }
  return null;
}

$("enter").addEventListener("submit", async (event) => {
  event.preventDefault();
  tune();
  const secret = $("secret").value.trim();
  $("secret").value = "";
  const refused = await signedIn(secret);
  if (refused) return door(refused);
  await resume();
  $("door").hidden = true;
  $("desk").hidden = $("leave").hidden = false;
  $("number").focus();
  checkAgain();
});

/** The work of this desk as it was left: by a reload, a crash, or an ended sign-in, after which it is all still here. */
async function resume() {
  const earlier = desk.work?.owner;
  const by = await owner();
  if (earlier !== by) rows.clear();
  if (!rows.size) {
    await open(by);
    const { batch, waiting, pile } = desk.work;
    seen.batch = batch;
    seen.pile = pile ?? emptyPile();
    for (const number of batch?.ids ?? []) mark(added(number), "made", (said) => said.unconfirmed);
    for (const [number, reason] of waiting) mark(added(number, reason), "unanswered", (said) => said.unanswered);
  }
  $("paper").value = desk.paper;
  $("station").value = desk.station;
  $("expected").value = seen.pile.expected ?? "";
  draw();
}

/** For this many milliseconds, keys did not reach the page. What was scanned then has to be scanned again. */
function lost(elsewhere) {
  if ($("desk").hidden) return;
  const to = Date.now();
  const { from = to - elsewhere, to: before = 0, seconds = 0 } = seen.pile.deaf ?? {};
  seen.pile.deaf = { from, to, seconds: seconds + Math.min(elsewhere, to - before) / 1000 };
  keepWork();
  tell("bad", (said) => said.scanAgain);
}

$("leave").addEventListener("click", () => {
  clear();
  keepWork(); // the unconfirmed batch stays
  signOut();
  rows.clear();
  seen.batch = seen.shown = desk.work = null;
  keepDocument("");
  door();
});
$("forget").addEventListener("click", async () => {
  await forgetDevice();
  door((said) => said.forgotten);
});
$("language").addEventListener("click", () => {
  seen.language = seen.language === "zh" ? "en" : "zh";
  $("refused").textContent = "";
  speak();
  wanted().focus();
});
$("print").addEventListener("click", () => printReady(() => door((said) => said.ended)));
$("again").addEventListener("click", () => printAgain(() => door((said) => said.ended)));
$("well").addEventListener("click", confirm);
$("download").addEventListener("click", () => setTimeout(() => $("number").focus()));
$("clear").addEventListener("click", () => (clear(), keepWork()));
$("retry").addEventListener("click", () => {
  checkAgain();
  $("number").focus();
});
$("paper").addEventListener("change", () => {
  desk.paper = $("paper").value;
  save();
  check([...inState("ready", "checking"), ...inState("bad").filter((row) => row.byPaper)]);
  if (!$("paper").matches(":focus-visible")) $("number").focus(); // by mouse; by keyboard the clerk may still be choosing
});
$("station").addEventListener("change", () => {
  const name = $("station").value.normalize("NFKC").trim();
  if (/^[A-Za-z0-9.-]{1,12}$/.test(name)) desk.station = name;
  else tell("bad", (said) => said.badStation);
  $("station").value = desk.station;
  save();
});
$("expected").addEventListener("change", () => {
  const typed = $("expected").value.normalize("NFKC").trim();
  if (/^[1-9][0-9]{0,3}$/.test(typed)) seen.pile.expected = Number(typed);
  else if (!typed) seen.pile.expected = null;
  else if (typed.length > 4) take(typed); // a scan
  else tell("bad", (said) => said.badCount);
  $("expected").value = seen.pile.expected ?? "";
  keepWork();
  draw();
});
for (const form of ["name-desk", "count-pile"]) {
  $(form).addEventListener("submit", (event) => {
    event.preventDefault();
    $("number").focus(); // which ends the change
  });
}
$("rescanned").addEventListener("click", () => {
  seen.pile.deaf = null;
  keepWork();
  draw();
  $("number").focus();
});

Object.assign(acts, {
  look(row) {
    seen.shown = row;
    draw();
    $("number").focus();
  },
  drop(row) {
    if (row.state === "printed") seen.pile.done += 1;
    forget(row);
    keepWork();
    draw();
    $("number").focus();
  },
  doubt(row) {
    doubt(row);
    $("number").focus();
  },
  reprint(row, reason) {
    row.reason = reason;
    row.mayReprint = false;
    check([row]);
    $("number").focus();
  },
});

const wanted = () => ($("desk").hidden ? $("secret") : $("number"));

listen({ field: $("number"), wanted, lost, tell: (heard) => ($("deaf").hidden = heard || $("desk").hidden) });
door();
