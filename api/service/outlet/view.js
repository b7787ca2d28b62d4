// What is seen and heard: the big line, the list, the preview, the question about the last batch. It draws `seen`, and calls
// `acts` for what is pressed in the list.

import { emptyPile } from "./desk.js";
import { MEANINGS } from "./meanings.js";
import { WORDS } from "./words.js";

export const MOST = 100; // labels in one document
export const $ = (id) => document.getElementById(id);

/** All that is drawn; page.js and batch.js change it. */
export const seen = {
  language: navigator.language.startsWith("zh") ? "zh" : "en",
  rows: new Map(), // number -> row, in order of scanning
  shown: null, // the row in the preview
  last: null, // what the big line says, as a function of the words
  enrolled: false, // whether this computer has a key of its own
  batch: null, // what was printed and not confirmed yet: batch.js
  pile: emptyPile(),
};

/** What the list's buttons do, each with its row: look, drop, doubt, reprint. */
export const acts = {};

export const words = () => WORDS[seen.language];
export const inState = (...states) => [...seen.rows.values()].filter((row) => states.includes(row.state));

/** How many parcels of the pile have been scanned. Numbers that the service does not know are left out. */
export function scanned() {
  const again = (row) => row.mayReprint && seen.pile.done > 0; // it may be one of those before the reload
  return seen.pile.done + [...seen.rows.values()].filter((row) => !row.stranger && !again(row)).length;
}

/** Everything in the language that is chosen. */
export function speak() {
  const said = words();
  document.documentElement.lang = seen.language === "zh" ? "zh-CN" : "en";
  for (const each of document.querySelectorAll("[data-word]")) each.textContent = said[each.dataset.word];
  $("language").textContent = said.other;
  $("language").lang = seen.language === "zh" ? "en" : "zh-CN";
  document.title = said.title;
  $("secret-hint").textContent = seen.enrolled ? said.knownHint : said.firstHint;
  $("forget").hidden = !seen.enrolled;
  draw();
}

/** The text for a refusal or a broken rule: the page's own wording, or the register's; with the time until which it lasts. */
export function why({ reason, field, rule, sizes, retry_after: after }) {
  const until = after && new Date(Date.now() + after * 1000 + 60_000); // a minute shown is a minute that has passed
  return (said) => {
    const meanings = MEANINGS[seen.language];
    if (sizes?.length) return said.fits(sizes.join(", "));
    if (!reason) return said.rules[rule] ?? meanings.rules[rule] ?? said.refused(`${field}: ${rule}`);
    const text = said.refusals[reason] ?? meanings.refusals[reason] ?? said.refused(reason);
    return until ? text + said.until(until.toTimeString().slice(0, 5)) : text;
  };
}

export function draw() {
  const said = words();
  const all = [...seen.rows.values()];
  const many = (...states) => inState(...states).length;
  const [ready, doubts, made] = [many("ready"), many("doubt"), many("made")];
  $("print").textContent = said.print(Math.min(ready, MOST));
  $("print").disabled = !ready || many("printing") > 0 || seen.batch !== null;
  $("retry").hidden = !many("unanswered");
  $("clear").hidden = $("list-title").hidden = !all.length;
  $("empty").hidden = all.length > 0;
  $("counts").textContent = said.counts(ready, many("printed"), many("bad", "unanswered"));
  $("confirm").hidden = !seen.batch || many("printing") > 0;
  $("question").textContent = seen.batch?.received === false ? said.askedAfterLoss(made) : said.asked(made + doubts);
  $("well").hidden = !made || seen.batch?.received === false;
  $("well").textContent = doubts ? said.othersWell(made) : said.well;
  $("again").textContent = said.again(doubts || made);
  drawPile(said);
  drawList(all, said);
  $("picture").hidden = !seen.shown?.picture;
  if (seen.shown?.picture) {
    if ($("picture").src !== seen.shown.picture) $("picture").src = seen.shown.picture;
    $("picture").alt = said.pictureOf(seen.shown.number);
  }
  $("last").textContent = seen.last ? seen.last(said) : "";
}

function drawPile(said) {
  const { expected, deaf } = seen.pile;
  const missing = expected - scanned();
  $("tally").hidden = !expected;
  $("tally").dataset.state = missing ? "short" : "whole";
  $("tally").textContent = said.tally(expected, missing);
  $("missed").hidden = !deaf;
  $("missed-words").textContent = deaf ? said.missed(deaf.seconds, ...[deaf.from, deaf.to].map(clock)) : "";
}

const clock = (at) => new Date(at).toTimeString().slice(0, 8);

/** The newest first. What has not changed stays in place, and with it the focus. */
function drawList(all, said) {
  const lines = all.reverse().map((row) => line(row, said));
  const list = $("list");
  if (lines.length !== list.children.length || lines.some((each, n) => each !== list.children[n])) {
    list.replaceChildren(...lines);
  }
}

function line(row, said) {
  const now = [row.state, row.say(said), row.picture, row === seen.shown, seen.language, row.mayReprint].join("\n");
  if (row.drawn === now) return row.line;
  row.drawn = now;
  row.line ??= document.createElement("li");
  row.line.dataset.state = row.state;
  row.line.dataset.number = row.number;
  row.line.replaceChildren(...parts(row, said));
  return row.line;
}

function parts(row, said) {
  const show = button(row.number, said.show(row.number), () => acts.look(row));
  show.className = "number";
  show.disabled = !row.picture;
  if (row === seen.shown) show.setAttribute("aria-current", "true");
  const outcome = document.createElement("span");
  outcome.className = "outcome";
  outcome.textContent = row.say(said);
  const remove = button("×", said.remove(row.number), () => acts.drop(row));
  remove.disabled = ["printing", "made", "doubt"].includes(row.state);
  const more = [];
  if (row.state === "made") more.push(button(said.notOut, said.notOutOf(row.number), () => acts.doubt(row)));
  if (row.state === "doubt") more.push(button(said.isOut, said.isOutOf(row.number), () => acts.doubt(row)));
  if (row.mayReprint) {
    for (const [reason, word] of Object.entries(said.reprints)) {
      more.push(button(word, said.reprint(word, row.number), () => acts.reprint(row, reason)));
      more.at(-1).dataset.reason = reason;
    }
  }
  const group = document.createElement("span");
  group.className = "more";
  group.append(...more);
  return [show, outcome, remove, ...(more.length ? [group] : [])];
}

function button(text, name, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.setAttribute("aria-label", name);
  made.addEventListener("click", act);
  return made;
}

export function mark(row, state, say) {
  row.state = state;
  row.say = say;
  draw();
}

/** Say a scan's outcome where it can't be missed, and sound it: one high note for good, two low ones for bad. */
export function tell(state, text) {
  seen.last = text;
  $("last").dataset.state = state;
  draw();
  beep(state);
}

let sound = null;

/** Sound is allowed from the first key or press on. */
export function tune() {
  sound ??= new AudioContext();
}

function beep(state) {
  if (!sound) return;
  const notes = { ready: [[1320, 0]], bad: [[220, 0], [220, 0.22]], done: [[880, 0], [1320, 0.12]] }[state] ?? [];
  for (const [pitch, after] of notes) {
    const note = sound.createOscillator();
    note.frequency.value = pitch;
    note.connect(sound.destination);
    note.start(sound.currentTime + after);
    note.stop(sound.currentTime + after + (pitch < 500 ? 0.16 : 0.09));
  }
}
