"""The register of ledger leaves: every kind of act that the ledger records.

`Store.leaf` takes no other word. To add a kind, give the word and its meaning; then run `python -m scripts.reasons`.
"""

from __future__ import annotations

from masking.words.word import Word


class LedgerKind(Word):
    """What a leaf records. Its detail names words, counts and ids, never personal data."""

    # the way of a parcel
    CHECKOUT = ("checkout", "A merchant entered an order.")
    SHIP = ("ship", "The merchant set the carrier's waybill number and routing code.")
    AMEND = ("amend", "The merchant replaced the order's content.")
    CANCEL = ("cancel", "The merchant cancelled the order, and its data was destroyed.")
    PRINT = ("print", "The waybill's first label was printed.")
    REPRINT = ("reprint", "A further label was printed; the detail `reason` says why.")
    PREVIEW = ("preview", "A label was previewed, without a label code.")
    SCAN = ("scan", "A parcel was scanned; the detail `what` is the kind of scan.")
    ASSIGN = ("assign", "An outlet assigned the parcel to a courier.")
    GRANT = ("grant", "A courier opened fields of the parcel for a purpose.")
    LOOK = ("look", "A courier saw the masked view; `matched` says whether a phone was compared and matched.")
    INTENT = ("intent", "A courier announced a call.")
    CONNECT = ("connect", "A call was connected.")
    NO_CONNECTION = ("no-connection", "A dialled number connected nothing; `reason` says why.")
    CALL_REPORT = ("call-report", "The switch or the provider reported an event of a call.")
    DELIVER = ("deliver", "A courier delivered the parcel.")
    SEAL_AWAY = ("seal-away", "The waybill's online key was deleted; only the offline key opens it.")
    DESTROY = ("destroy", "The waybill's data was destroyed.")
    HOLD = ("hold", "A hold exempted the waybill from the retention schedule.")
    RELEASE = ("release", "A hold was released.")
    ARCHIVE_OPEN = ("archive-open", "A sealed-away waybill was opened with the offline key.")
    # refusals
    REFUSAL = ("refusal", "An act on a parcel was refused; `reason` is the true reason.")
    REFUSAL_COUNT = ("refusal-count", "Refusals of one actor without leaves of their own; `count` says how many.")
    # access
    ENROL = ("enrol", "A person or program was enrolled.")
    ENROL_AGAIN = ("enrol-again", "A new code was made for a person who is enrolled.")
    CONFIRM = ("confirm", "A second person confirmed an enrolment.")
    NO_CONFIRMATION = ("no-confirmation", "A second person gave another phone than the enrolment.")
    DEVICE = ("device", "A code bound a device to its person.")
    SECRET = ("secret", "A code gave a secret to a program that can't sign.")
    REVOKE = ("revoke", "A supervisor revoked a person.")
    REINSTATE = ("reinstate", "A supervisor took a revocation back.")
    LOST = ("lost", "A supervisor reported a device lost.")
    UNLOCK = ("unlock", "A supervisor unlocked a person.")
    ASKED = ("asked", "A supervisor requested an act that a second supervisor has to request too.")
    SHIFT = ("shift", "An outlet began a courier's shift.")
    SHIFT_END = ("shift-end", "A courier's shift was ended.")
    # operation
    KEY = ("key", "A key was made, rotated, revoked or destroyed.")
    ACCEPT = ("accept", "The operator accepted a ledger that had lost signed leaves.")
    RESTORE = ("restore", "A backup was restored.")
    REPLAY = ("replay", "Destructions that a restored backup did not know were repeated.")
