"""The register of alarms: every kind that the program raises, what it means, and what to do.

The type checker rejects an alarm of a kind that is not listed here, and `docs/reasons.md` is generated (`python -m
scripts.reasons`). To add a kind, give the word, its meaning, and what the person who is called should do.
"""

from __future__ import annotations

from masking.words.word import Word


class AlarmKind(Word):
    """What an alarm is about."""

    # the store
    LEDGER_NOT_AS_SIGNED = (
        "ledger-not-as-signed",
        "The ledger was cut back or changed since it was signed; nothing more is signed.",
        "After a restore or failover that lost leaves run `waybill ledger accept`; otherwise keep the data as evidence.",
    )
    ROW_NOT_AS_WRITTEN = (
        "row-not-as-written",
        "A row that decides who may act was written by something other than this program.",
        "Run `waybill doctor`, find out who can write the data, and restore a backup.",
    )
    ACCESS_LEAF_MISSING = (
        "access-leaf-missing",
        "A person or device was let in, and the leaf that says so is not on the ledger as it was written.",
        "Find out who can write the data, and what this person did since; false only if the service was killed at that moment.",
    )
    DAMAGED_RECORD = (
        "damaged-record",
        "A waybill's stored data can't be read or opened.",
        "Let its merchant amend or cancel the order. If there are many, stop the service and compare keys and data.",
    )
    UNREADABLE_LEAF = (
        "unreadable-leaf",
        "A leaf of the ledger can't be read.",
        "Run `waybill ledger verify --full` and keep the data as evidence.",
    )
    # virtual numbers
    NUMBERS_LOW = (
        "numbers-low",
        "Less than a tenth of the virtual numbers are free.",
        "Add numbers: `waybill numbers plan` says how many.",
    )
    NUMBERS_DRY = (
        "numbers-dry",
        "A waybill got no virtual number because none was free.",
        "Add numbers. The alarm's partner is the merchant who holds most.",
    )
    NUMBERS_ELSEWHERE = (
        "numbers-elsewhere",
        "A city has lines and none of their numbers was free; numbers of another city were given.",
        "Add numbers in this city.",
    )
    NUMBERS_SHARE = (
        "numbers-share",
        "A merchant wanted more virtual numbers than its share allows.",
        "Ask the merchant why, or raise `share` in `[numbers]`.",
    )
    NUMBER_CLASH = (
        "number-clash",
        "Two merchants entered the same waybill number.",
        "Find out whose it is, and allot numbers in `[numbers_of]`.",
    )
    NUMBERS_NOT_ALLOTTED = (
        "numbers-not-allotted",
        "Several merchants are enrolled and waybill numbers are allotted to none, so this merchant's number was refused.",
        "Allot numbers in `[numbers_of]` of waybill.toml, and restart the service.",
    )
    CALLS_WITHOUT_REPORT = (
        "calls-without-report",
        "A switch connected calls and sent no report of them.",
        "Look at the switch or provider: reports may be lost, or calls misused.",
    )
    REPORT_OF_ANOTHER_CALLER = (
        "report-of-another-caller",
        "A call was made by another caller than the one who announced it.",
        "Ask the courier, and look at the switch's log.",
    )
    NUMBERS_PROBED = (
        "numbers-probed",
        "Within an hour many calls came to a provider's main number from phones for which nothing is bound there.",
        "The alarm's partner is the number. Ask the provider who calls; couriers who dial too late count, too.",
    )
    PROVIDER_ACCOUNT = (
        "provider-account",
        "The provider of numbers refuses calls because the account is overdue, suspended, or not subscribed.",
        "Look at the account and its balance at the provider.",
    )
    PROVIDER_KEY = (
        "provider-key",
        "The provider of numbers does not accept the key, the signature, the permissions or the pool of `[aliyun]`.",
        "Compare `key_id`, the secret and `pool_key` with the provider's console, and the permissions of the key.",
    )
    PROVIDER_CLOCK = (
        "provider-clock",
        "This machine's clock is more than a minute from the clock of the provider of numbers.",
        "Set the clock, and look at time synchronisation.",
    )
    # people
    TOO_MANY_REFUSALS = (
        "too-many-refusals",
        "A person was refused so often within an hour that they are locked.",
        "Ask them and their outlet. `waybill who-saw` shows what was asked for.",
    )
    WRONG_PHONES = (
        "wrong-phones",
        "Phones that are not the recipient's were tried again and again.",
        "Ask who tried them: this is how a phone is guessed.",
    )
    PHONE_DIFFERS = (
        "phone-differs",
        "The phone that a second person stated for an enrolment is not the supervisor's.",
        "Find out whose phone it is before the code is used.",
    )
    MANY_REVOCATIONS = (
        "many-revocations",
        "A supervisor has ended the access of as many people as a day allows.",
        "Ask the supervisor, or treat the account as stolen.",
    )
    REVOCATION_REVERSED = (
        "revocation-reversed",
        "A supervisor has reversed another one's revocation.",
        "Ask both supervisors.",
    )
    # what stands out on the ledger (`waybill watch`)
    CANARY = (
        "canary",
        "A parcel of an invented person was looked at. No honest work needs that.",
        "Ask who looked, at once.",
    )
    VIEWS_WITHOUT_DELIVERY = (
        "views-without-delivery",
        "A courier looked at many parcels and neither delivered nor tried most of them.",
        "Ask the courier.",
    )
    ABSENT_EVERYWHERE = (
        "absent-everywhere",
        "A courier reports most parcels as not deliverable.",
        "Ask the courier, and call some recipients.",
    )
    LOOKED_THEN_WITHDRAWN = (
        "looked-then-withdrawn",
        "A clerk gave parcels to a courier, who looked, and took them back before anyone was at the door.",
        "Ask the clerk and the courier.",
    )
    PAIR_STANDS_OUT = (
        "pair-stands-out",
        "Between a clerk and a courier parcels are looked at and not finished far more often than elsewhere.",
        "Ask the clerk and the courier.",
    )
    ASKS_FOR_STRANGERS = (
        "asks-for-strangers",
        "A person asked for many parcels without a duty.",
        "Ask who did.",
    )
    REPRINTS = (
        "reprints",
        "One person printed many labels again.",
        "Ask who did, and look at the station's printer.",
    )
    DUTY_NEVER_GIVEN = (
        "duty-never-given",
        "An act names a duty that no assignment on the ledger gave, which no step of this program allows.",
        "Find out who can write the data.",
    )
    DUTY_WAS_OVER = (
        "duty-was-over",
        "An act was done under a duty that had passed to another courier, which no step of this program allows.",
        "Find out who can write the data.",
    )
    NEVER_ARRIVED = (
        "never-arrived",
        "A clerk assigned a parcel that no colleague had taken in, which no step of this program allows.",
        "Find out who can write the data, and look at who saw the parcel: `waybill who-saw`.",
    )
