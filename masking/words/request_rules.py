"""The register of rules that a whole request or an argument breaks. Nothing of such a request was done.

`masking.words.rules` is the register for single orders, enrolments and labels. To add a rule, give the word, its meaning,
and what helps; then run `python -m scripts.reasons` and `python -m scripts.openapi`.
"""

from __future__ import annotations

from masking.words.word import Word


class RequestRule(Word):
    """The rule that a member of a request, an argument or a setting of a printer breaks."""

    # the form of a request
    UNKNOWN_MEMBER = (
        "unknown-member",
        "The request has a member that is not defined here.",
        "Remove it, or correct its name.",
    )
    WRONG_TYPE = ("wrong-type", "The value has another type than the defined one.", "Send the defined type.")
    STRING_TOO_LONG = ("string-too-long", "The string has too many characters.", "Shorten it.")
    STRING_TOO_SHORT = ("string-too-short", "The string has too few characters.", "Send the whole value.")
    TOO_MANY_ITEMS = ("too-many-items", "The list has too many items.", "Send several requests.")
    TOO_FEW_ITEMS = ("too-few-items", "The list has too few items.", "Send at least one item.")
    WRONG_FORM = (
        "wrong-form",
        "The string has another form than the defined one.",
        "Send the value in the form that the description of the service states.",
    )
    NOT_LISTED = ("not-listed", "The value is not one of the allowed ones.", "Choose an allowed value.")
    OUT_OF_RANGE = ("out-of-range", "The number is outside its limits.", "Choose a number within them.")
    NOT_A_TIME = (
        "not-a-time",
        "The value is not a time with a time zone in the form of RFC 3339.",
        "Write it as in 2026-11-24T08:30:00Z.",
    )
    NOT_JSON = ("not-json", "The body is not valid JSON.", "Send a JSON object in UTF-8.")
    MALFORMED = ("malformed", "The value can't be read.", "Compare it with the description of the service.")
    TOO_MANY_FAULTS = (
        "too-many-faults",
        "The body has more strings and values than a valid one, so its faults are not listed.",
        "Compare its form with the description of the service.",
    )
    TOO_LARGE = ("too-large", "The body is too large.", "Send several requests.")
    TOO_MANY_AT_ONCE = ("too-many-at-once", "The call has more items than one statement can hold.", "Split the call.")
    NOT_STORABLE = (
        "not-storable",
        "A value holds a character that no database can store, such as U+0000.",
        "Remove the character.",
    )
    NOT_TEXT = ("not-text", "A string can't be encoded in UTF-8.", "Remove half surrogate pairs.")
    # ids and words
    NOT_AN_ID = (
        "not-an-id",
        "The id has a form that the ledger can't hold.",
        "Use letters, digits, dots, hyphens and underscores, with no nine digits in a row.",
    )
    NOT_A_WAYBILL_ID = (
        "not-a-waybill-id",
        "The value is not a waybill id.",
        "Give the id that the checkout returned. A waybill number is not one.",
    )
    NOT_16_BYTES = ("not-16-bytes", "An id of a leaf does not have 16 bytes.", "Make it with `World.record_id`.")
    NOT_A_WORD = ("not-a-word", "A detail of a leaf is not a word.", "Use a registered word.")
    BEFORE_1970 = ("before-1970", "The time of a leaf is before 1970.", "Set the clock.")
    # questions
    PHONE_OR_REFERENCE = (
        "give-a-phone-or-a-reference",
        "A search takes exactly one of phone and reference.",
        "Give one of them.",
    )
    # virtual numbers
    NOT_A_NUMBER = ("not-a-number", "The main number does not consist of digits.", "Give it in digits.")
    NOT_AN_EXTENSION_RANGE = (
        "does-not-fit-the-digits",
        "The extensions do not fit the number of digits.",
        "Give a first and a last extension of that length.",
    )
    PROVIDER_WORD_MALFORMED = (
        "not-1-to-32-small-letters-digits-hyphens",
        "The word is not 1 to 32 small letters, digits or hyphens.",
        "Choose another word.",
    )
    NOT_A_LIST_OF_RECORDS = (
        "not-a-list-of-records",
        "The pushed body is not a JSON list of records.",
        "Push the provider's body unchanged.",
    )
    # printing
    ONE_LABEL_ONLY = ("one-label-only", "A picture or a preview holds one label.", "Request one label.")
    OFF_THE_PAPER = (
        "off-the-paper",
        "The offset moves a code or text of this label off the paper.",
        "Choose a smaller offset.",
    )
    NOT_READABLE = ("not-readable", "The file can't be read as text in UTF-8.", "Give another file.")
    TEMPLATE_FAULT = (
        "template-fault",
        "The label template has a fault.",
        "Correct it, and run `waybill template check`.",
    )


def explained_rule(word: str) -> str:
    """The meaning of a rule of requests and what helps; "" for a word that is not listed here."""
    listed = {str(each): each for each in RequestRule}
    found = listed.get(word)
    return f"{found.meaning} {found.remedy}" if found else ""
