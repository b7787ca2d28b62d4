"""The register of broken rules: every rule by which an order, an enrolment or a label can be rejected.

As with `masking.words.reasons`: a new rule needs its word, its meaning, and what helps; then run `python -m scripts.reasons`.
"""

from __future__ import annotations

from masking.words.word import Word


class Rule(Word):
    """The rule that one field of an order, an enrolment or a label breaks."""

    # any text
    MISSING = ("missing", "The field is empty.", "Fill it in.")
    LONGER_THAN_40 = ("longer-than-40", "The text has more than 40 characters.", "Shorten it.")
    LONGER_THAN_64 = ("longer-than-64", "The text has more than 64 characters.", "Shorten it.")
    LONGER_THAN_300 = ("longer-than-300", "The text has more than 300 characters.", "Shorten it.")
    LONGER_THAN_500 = ("longer-than-500", "The text has more than 500 characters.", "Shorten it.")
    CONTROL_CHARACTER = (
        "control-character",
        "The text holds characters that can't be printed.",
        "Remove them.",
    )
    ALREADY_MASKED = (
        "already-masked",
        "The value is masked already; no parcel can be delivered by it.",
        "Print the label with the platform's own service (OAID), or fetch the plain value through its interface.",
    )
    NO_LETTER = ("no-letter", "The text holds neither a letter nor a digit.", "Give the name or the address.")
    # phones and numbers
    SPREADSHEET_EXPONENT = (
        "spreadsheet-exponent",
        "A spreadsheet has turned the phone into a number and lost its digits.",
        "Export the column as text.",
    )
    FEWER_THAN_7_DIGITS = ("fewer-than-7-digits", "The phone has fewer than 7 digits.", "Give the whole phone.")
    NOT_A_PHONE = ("not-a-phone", "The value is not a phone number.", "Give the whole phone, in digits.")
    WAYBILL_NUMBER_MALFORMED = (
        "not-6-to-32-letters-digits-hyphens",
        "The waybill number is not 6 to 32 letters, digits or hyphens.",
        "Send the carrier's number as it gave it.",
    )
    ROUTING_CODE_MALFORMED = (
        "not-2-to-32-letters-digits-blanks-hyphens",
        "The routing code is not 2 to 32 letters, digits, blanks or hyphens.",
        "Send the carrier's code as it gave it.",
    )
    NUMBER_NOT_ALLOTTED = (
        "number-not-allotted",
        "The carrier has allotted this waybill number to another unit, or to none. Whether it is in use is not said.",
        "Use a number that the carrier allotted to you; the operator keeps the table `[numbers_of]`.",
    )
    ALREADY_USED = (
        "already-used",
        "Another order has this waybill number.",
        "Ask the carrier for a number of its own.",
    )
    # references
    NOT_THE_SAME = (
        "not-the-same",
        "A corrected order keeps its reference.",
        "Send the reference of the order that is amended.",
    )
    CHANGED_AFTER_CHECKOUT = (
        "changed-after-checkout",
        "An order with other content was entered under this reference.",
        "Use `amend` to change it, or another reference for another order.",
    )
    DAMAGED = (
        "damaged",
        "What is stored under this reference can't be read or opened.",
        "Amend or cancel the order, or ask the operator.",
    )
    NOT_ENROLLED = (
        "not-enrolled",
        "The caller is not enrolled as a merchant.",
        "Ask a supervisor to enrol the merchant.",
    )
    # sealed envelopes
    NOT_AN_ENVELOPE = (
        "not-an-envelope",
        "The value is not an envelope of FORMAT.md section 6.",
        "Send it in base64, unchanged.",
    )
    EXPIRED = (
        "expired",
        "The envelope's time or its key's time is over.",
        "Seal the order again, to a current key. Check the clock.",
    )
    NOT_FOR_THIS = (
        "not-for-this",
        "The envelope was sealed for another merchant or service, or has changed.",
        "Seal the order again for this service and merchant.",
    )
    HOLDS_NO_ORDER = ("holds-no-order", "What the envelope holds is not an order.", "Seal a valid order.")
    REPLAYED = ("replayed", "The envelope was used before.", "Seal the order again.")
    # enrolments
    ID_MALFORMED = (
        "not-1-to-63-small-letters-digits-hyphens",
        "The id is not 1 to 63 small letters, digits or hyphens.",
        "Choose another id.",
    )
    NINE_DIGITS_IN_A_ROW = (
        "nine-digits-in-a-row",
        "The id holds nine digits in a row, which could be a phone number.",
        "Choose another id.",
    )
    NOT_A_SUPERVISORS_TO_GIVE = (
        "not-a-supervisors-to-give",
        "A supervisor can't enrol this role.",
        "Let the operator enrol it.",
    )
    # drawing a label
    DOES_NOT_FIT = (
        "does-not-fit",
        "The text does not fit its box at the smallest size.",
        "Choose another size, or shorten the text with `amend`.",
    )
    TOO_LONG_FOR_ITS_BARS = (
        "too-long-for-its-bars",
        "The waybill number's bar code does not fit this label.",
        "Choose a larger label.",
    )
    DID_NOT_FIT = (
        "did-not-fit",
        "The text did not fit. The label says that it is found by scanning.",
        "Nothing is needed, or choose a larger label.",
    )
    CHARACTER_NOT_IN_FONT = (
        "character-not-in-font",
        "No font has a character of this text. It is printed as 〓.",
        "Check that the parcel is found by the rest of the label; the courier's view shows the whole text.",
    )
    NO_VIRTUAL_NUMBER = (
        "no-virtual-number",
        "The label has no virtual number, and says that the recipient is called through the app.",
        "Tell the operator that the pool of numbers is empty.",
    )
    TOO_LONG_FOR_ITS_TURNED_BARS = (
        "too-long-for-its-turned-bars",
        "The waybill number's second bar code does not fit this label, and is left out.",
        "Nothing is needed: the first bar code is there.",
    )
    NOT_CODE_128 = (
        "not-code-128",
        "Code 128 has no bars for a character of the waybill number.",
        "Correct the number with `ship`.",
    )
    NOT_A_LABEL_CODE = ("not-a-label-code", "The label code is malformed.", "Tell the operator.")
    QR_TOO_DENSE = (
        "qr-too-dense",
        "The template's QR box is too small for the label code.",
        "Choose a larger label.",
    )
    VIEW_NOT_STAMPED = (
        "view-not-stamped",
        "The masked view was not checked against the current masking rules.",
        "Tell the operator.",
    )
    TEXT_NOT_ON_THE_LIST = (
        "text-not-on-the-list",
        "The drawing holds a text that is neither the view's nor the template's.",
        "Tell the operator.",
    )
    BACKGROUND_NOT_THE_TEMPLATES = (
        "background-not-the-templates",
        "The drawing's background is not the template's.",
        "Tell the operator.",
    )
    CODE_NOT_ON_THE_LIST = (
        "code-not-on-the-list",
        "A drawn code says something other than the waybill number or the label code.",
        "Tell the operator.",
    )
