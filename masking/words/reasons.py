"""The register of refusals: every reason that an answer can carry. `masking.words.rules` is the register of broken rules.

The type checker rejects a `Refusal` whose reason is not listed here. `api/openapi.json` takes its enums from here, and
`docs/reasons.md` is generated (`python -m scripts.reasons`). To add a reason, give the word, its meaning, and what helps.
"""

from __future__ import annotations

from masking.words.proof_rules import ProofRule
from masking.words.word import Word


class Reason(Word):
    """Why a well-formed request is refused."""

    # access to a parcel
    UNKNOWN = (
        "unknown",
        "There is no such thing for this caller: never issued, destroyed, or another party's. Which one is not said.",
        "Check the code or number, and whether the parcel is assigned to the caller.",
    )
    NOT_IN_CUSTODY = (
        "not-in-custody",
        "The parcel is not where this duty needs it to be.",
        "Let the outlet scan the parcel as arrived first.",
    )
    DUTY_IS_OVER = (
        "duty-is-over",
        "The assignment is older than 24 hours.",
        "Let the outlet assign the parcel again.",
    )
    PRINT_SUPERSEDED = (
        "print-superseded",
        "A newer label of this parcel has been printed.",
        "Use the newest label.",
    )
    WRONG_LEG = (
        "wrong-leg",
        "The purpose does not belong to this part of the parcel's way.",
        "Ask with the purpose of the next step.",
    )
    DAMAGED = (
        "damaged",
        "What is stored of this parcel can't be read or opened.",
        "Tell the operator. A merchant can amend or cancel the order.",
    )
    # budgets
    LOCKED = (
        "locked",
        "The caller was refused too often within an hour.",
        "Wait for `retry_after` seconds, or ask a supervisor to unlock the account.",
    )
    OFF_HOURS = (
        "off-hours",
        "Parcels are opened during the opening hours only.",
        "Wait for `retry_after` seconds.",
    )
    DAILY_BUDGET_SPENT = (
        "daily-budget-spent",
        "The caller has opened as many parcels today as their assignments allow.",
        "Wait for `retry_after` seconds, or ask for more assignments.",
    )
    TOO_MANY_UNFINISHED = (
        "too-many-unfinished",
        "Too many opened parcels are neither delivered nor attempted.",
        "Record deliveries and attempts first.",
    )
    TOO_FAST = (
        "too-fast",
        "The caller opens parcels faster than they can be delivered, or repeats earlier acts faster than the work needs.",
        "Wait for `retry_after` seconds.",
    )
    TOO_MANY_HANDED_ON = (
        "too-many-handed-on",
        "The outlet has given too many opened parcels from one courier to another today.",
        "Wait for `retry_after` seconds.",
    )
    LOOKED_TOO_OFTEN = (
        "looked-too-often",
        "The masked view was shown 30 times under this assignment.",
        "Let the outlet assign the parcel again.",
    )
    SAID_WRONG_TOO_OFTEN = (
        "said-wrong-too-often",
        "Three wrong phones were given for this parcel, under all its assignments together.",
        "Call the recipient, or deliver to the door.",
    )
    # assignments
    NEEDS_A_DIVERSION = (
        "needs-a-diversion",
        "The parcel's routing code names another outlet.",
        "Let another unit record a scan `diverted` to this outlet.",
    )
    NOT_ARRIVED = (
        "not-arrived",
        "The parcel is for this outlet, and no arrival of it is recorded here.",
        "Scan it as arrived.",
    )
    ARRIVAL_SCANNED_BY_THE_SAME_PERSON = (
        "arrival-scanned-by-the-same-person",
        "The person who assigns has also scanned the arrival.",
        "Let a colleague assign the parcel.",
    )
    JUST_ASSIGNED = (
        "just-assigned",
        "Another request assigned the parcel at the same moment.",
        "Ask again if the assignment is still wanted.",
    )
    NO_SUCH_COURIER_HERE = (
        "no-such-courier-here",
        "No courier of this outlet has this id.",
        "Check the courier's id and unit.",
    )
    # labels
    JOB_OF_ANOTHER = ("job-of-another", "This print job belongs to another person.", "Print under a job of your own.")
    JOB_OR_STATION_MALFORMED = (
        "job-or-station-not-1-to-64-letters-digits-hyphens",
        "The job or the station is not 1 to 64 letters, digits, dots, colons, underscores or hyphens.",
        "Give another name.",
    )
    NOT_SHIPPED = (
        "not-shipped",
        "The waybill number or the routing code is missing.",
        "Enter both with `ship` first.",
    )
    DELIVERED = ("delivered", "The parcel is delivered.", "Nothing is left to do.")
    REPRINT_NEEDS_OUTLET_AND_REASON = (
        "reprint-needs-outlet-and-reason",
        "A label was printed before under another job.",
        "Use the same job, or let the outlet that has the parcel reprint it with a reason.",
    )
    REPRINT_NEEDS_A_SCAN_BY_ANOTHER = (
        "reprint-needs-a-scan-by-another",
        "The arrival of this parcel is recorded by the caller only, or not at all.",
        "Let a colleague of the outlet print it. Where one person works alone, a supervisor can enrol a second one.",
    )
    PRINTED_TOO_OFTEN = (
        "printed-too-often",
        "A label of this parcel has been printed a thousand times.",
        "Use the newest label, or let the merchant send the parcel under a new order.",
    )
    # changes by the merchant
    ALREADY_PRINTED = ("already-printed", "A label has been printed.", "The order can't be changed any more.")
    ALREADY_SCANNED = (
        "already-scanned",
        "The carrier has scanned the parcel.",
        "The order can't be changed any more.",
    )
    HELD = (
        "held",
        "The operator keeps this waybill for a dispute, an inquiry or a claim.",
        "Ask the operator to release it.",
    )
    NOT_CANCELLABLE = ("not-cancellable", "In its state the order can't be cancelled.", "Leave it to the schedule.")
    NOT_ACTIVE = ("not-active", "The waybill is sealed away.", "It can't be changed any more.")
    # retention, for the operator
    NO_SUCH_REASON = (
        "no-such-reason",
        "The reason given for the act is not on the list.",
        "Give a reason from the list in the command's help.",
    )
    NOT_HELD = ("not-held", "There is no hold on this waybill.", "Nothing is left to do.")
    NOT_SEALED_AWAY = (
        "not-sealed-away",
        "The waybill is not sealed away, so the archive key is not needed.",
        "A courier with a duty can open it.",
    )
    ALREADY_SEALED_AWAY = ("already-sealed-away", "The waybill is sealed away already.", "Nothing is left to do.")
    # keys, for the operator
    NO_SUCH_KEY = (
        "no-such-key",
        "There is no usable key of this purpose and name, or its purpose does not allow the act.",
        "Take the name from `waybill keys list`.",
    )
    KEY_IN_USE = ("key-in-use", "The key wraps today's new keys.", "Revoke it first, or rotate it.")
    KEY_STILL_NEEDED = (
        "key-still-needed",
        "A waybill key is still wrapped by this key.",
        "Run `waybill keys refresh` first. A damaged wrap stays until its waybill is destroyed.",
    )
    BACKUP_TOO_OLD = (
        "older-than-24-hours",
        "The copy of the key store is older than 24 hours, and should have been deleted.",
        "Restore a newer copy.",
    )
    # scans
    EVENT_MALFORMED = (
        "event-not-1-to-128-printable-characters",
        "The scan's own name is empty, too long or not printable.",
        "Send another `Idempotency-Key`.",
    )
    EVENT_OF_ANOTHER_SCAN = (
        "event-of-another-scan",
        "A different scan was sent under this `Idempotency-Key`.",
        "Use a new key for a new scan.",
    )
    NOT_YOUR_KIND_OF_SCAN = (
        "not-your-kind-of-scan",
        "The caller's role does not record scans of this kind.",
        "Let an outlet, or the courier, record it.",
    )
    TO_NEEDS_ANOTHER_UNIT = (
        "to-names-another-unit-of-departed-or-diverted",
        "`to` is missing where it is needed, given where it is not, or names the caller's own unit.",
        "Give `to` for `departed` and `diverted` only, naming another unit.",
    )
    TO_NEEDS_A_STAFFED_UNIT = (
        "to-names-a-unit-without-staff",
        "No person or program is enrolled at the unit that `to` names.",
        "Check the unit's id.",
    )
    SENT_TO_ANOTHER_UNIT = (
        "sent-to-another-unit",
        "The parcel was sent to another unit by name.",
        "Divert it to this unit, or let the named unit scan it.",
    )
    BEING_RECORDED = (
        "being-recorded",
        "Another request is recording this scan at this moment.",
        "Send the request again after `retry_after` seconds.",
    )
    # enrolment and tokens
    ENOUGH_FOR_TODAY = (
        "enough-for-today",
        "The supervisor has made as many codes today as one may.",
        "Go on tomorrow, or ask another supervisor.",
    )
    NEEDS_A_SECOND_SUPERVISOR = (
        "needs-a-second-supervisor",
        "The supervisor has done this as often today as one may alone. The request is recorded.",
        "Let another supervisor ask for the same within a day, or go on tomorrow.",
    )
    PHONE_DIFFERS = (
        "phone-differs",
        "The phone is not the one that the supervisor stated for this enrolment.",
        "Ask the person for their phone again; if it still differs, tell another supervisor.",
    )
    ID_TAKEN = (
        "id-taken",
        "The id belongs to another person, or to one who was revoked.",
        "Choose another id.",
    )
    UNAUTHENTICATED = (
        "unauthenticated",
        "The code is wrong, used, expired or not confirmed yet, or the device's key is not enrolled, as after its file was lost.",
        "Put the key's file back, let the code be confirmed, or ask a supervisor for a new code.",
    )
    REPLAYED = ("replayed", "This proof was used before.", "Make a new proof for each request.")
    NO_SHIFT = ("no-shift", "The courier's shift has not begun or is over.", "Let the outlet begin a shift.")
    DEVICE_OF_ANOTHER_PERSON = (
        "device-of-another-person",
        "This key is another person's device.",
        "Make a new key for each person.",
    )
    # calls
    NO_VERIFIED_PHONE = (
        "no-verified-phone",
        "No verified phone is enrolled for this courier.",
        "Let a supervisor enrol the courier again with a phone.",
    )
    NO_NUMBER_LEASED = (
        "no-number-leased",
        "No virtual number is free for this parcel.",
        "Try again later; the operator needs more numbers.",
    )
    NOT_YOUR_NUMBER = (
        "not-your-number",
        "The main number is not one of this switch.",
        "Check which switch the number is imported for.",
    )
    DIAL_THE_EXTENSION = (
        "dial-the-extension",
        "The main number was dialled without an extension.",
        "Ask the caller for the extension.",
    )
    NO_SUCH_EXTENSION = (
        "no-such-extension",
        "The extension does not have the digits of this number's extensions.",
        "Ask the caller for the extension again.",
    )
    INTENT_USED = (
        "intent-used",
        "The announced call was connected already.",
        "Let the courier announce another call.",
    )
    INTENT_EXPIRED = (
        "intent-expired",
        "The call was announced more than two minutes ago.",
        "Let the courier announce the call again.",
    )
    ANNOUNCE_FIRST = (
        "announce-first",
        "A courier dialled without announcing the call.",
        "Let the courier announce the call in the app.",
    )
    NOT_CONNECTED = ("not-connected", "The caller is not connected. Why is not said.", "Play the announcement.")
    UNKNOWN_CALL = (
        "unknown-call",
        "The service has connected no call of this name for this switch.",
        "Send the `call` of the answer that connected it.",
    )
    NOT_AN_EVENT = (
        "not-an-event",
        "The event or its duration is not valid.",
        "Send one of the listed events, and at most a day of seconds.",
    )
    PROVIDER_DOWN = (
        "provider-down",
        "The number provider can't be reached. Nothing is bound.",
        "Announce the call again after `retry_after` seconds.",
    )
    PROVIDER_BUSY = (
        "provider-busy",
        "The number provider takes no more requests now. Nothing is bound.",
        "Announce the call again after `retry_after` seconds.",
    )
    PROVIDER_REFUSED = (
        "provider-refused",
        "The number provider refuses the request. Nothing is bound.",
        "Tell the operator.",
    )
    PROVIDER_NOT_BINDABLE = (
        "provider-not-bindable",
        "The number provider can't connect one of the two phones.",
        "Deliver without a call.",
    )
    PROVIDER_CONFLICT = (
        "provider-conflict",
        "All main numbers that were tried are in use for these phones.",
        "Announce the call again after `retry_after` seconds.",
    )
    PROVIDER_NO_ANSWER = (
        "provider-no-answer",
        "The number provider did not say whether the call is bound.",
        "Announce the call again; another number is used.",
    )


def explained(word: str) -> str:
    """A reason or a proof's rule with its meaning and what helps; a word that is not listed as it is."""
    listed: dict[str, Word] = {str(each): each for each in (*ProofRule, *Reason)}
    found = listed.get(word)
    return f"{found}: {found.meaning} {found.remedy}" if found else word
