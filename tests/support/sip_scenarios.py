"""What the phones of the tests of the switch say and expect, as sipp scenarios: `[me]` is the number of the phone itself."""

from __future__ import annotations

import re

_SDP = """Content-Type: application/sdp
Content-Length: [len]

v=0
o=[me] 1 1 IN IP[local_ip_type] [local_ip]
s=call of [me]
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
"""
_TALKATIVE = """Contact: <sip:[me]@[local_ip]:[local_port]>
P-Asserted-Identity: <sip:[me]@[local_ip]>
Remote-Party-ID: <sip:[me]@[local_ip]>
User-Agent: phone of [me] at [local_ip]
Server: phone of [me] at [local_ip]
Warning: 399 [local_ip] "[me]"
"""
_ASK = (
    """INVITE sip:[number];ext=[extension]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "[me]" <sip:[me]@[local_ip]:[local_port]>;tag=[pid]A[call_number]
To: <sip:[number];ext=[extension]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Max-Forwards: 70
"""
    + _TALKATIVE
    + _SDP
)
_WITHIN = """{method} [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "[me]" <sip:[me]@[local_ip]:[local_port]>;tag=[pid]A[call_number]
To: <sip:[number];ext=[extension]@[remote_ip]:[remote_port]>[peer_tag_param]
[routes]
Call-ID: [call_id]
CSeq: {cseq} {method}
Max-Forwards: 70
{more}Content-Length: 0

"""
_ANSWER = """SIP/2.0 {code}
[last_Via:]
[last_Record-Route:]
[last_From:]
[last_To:]{tag}
[last_Call-ID:]
[last_CSeq:]
"""
_BYE_BACK = """BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: [$to];tag=B[call_number]
To: [$from]
[routes]
Call-ID: [call_id]
CSeq: 7 BYE
Max-Forwards: 70
Content-Length: 0

"""
_OF_THE_INVITE = """{method} sip:[number];ext=[extension]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch-{after}]
From: "[me]" <sip:[me]@[local_ip]:[local_port]>;tag=[pid]A[call_number]
To: <sip:[number];ext=[extension]@[remote_ip]:[remote_port]>{tag}
Call-ID: [call_id]
CSeq: 1 {method}
Content-Length: 0

"""


def _send(text: str, **how: str) -> str:
    extra = "".join(f' {name}="{value}"' for name, value in how.items())
    return f"<send{extra}><![CDATA[\n\n{text}\n]]></send>"


def _got(what: str, **how: str) -> str:
    extra = "".join(f' {name}="{value}"' for name, value in how.items())
    kind = "response" if what.isdigit() else "request"
    return f'<recv {kind}="{what}"{extra}/>'


def _scenario(*steps: str) -> str:
    return '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="x">\n' + "\n".join(steps) + "\n</scenario>\n"


def _answer(code: str, *, tag: str = ";tag=B[call_number]", body: str = _TALKATIVE + "Content-Length: 0\n\n") -> str:
    return _send(_ANSWER.format(code=code, tag=tag) + body)


_PROGRESS = (_got("100", optional="true"), _got("180", optional="true", rrs="true"))
_ACK = _send(_WITHIN.format(method="ACK", cseq=1, more=_TALKATIVE))
CALLS = _scenario(
    _send(_ASK, retrans="500"), *_PROGRESS, _got("200", rrs="true"), _ACK, '<pause milliseconds="300"/>',
    _send(_WITHIN.format(method="BYE", cseq=2, more=_TALKATIVE), retrans="500"), _got("200"),
)  # fmt: skip
CALLS_AND_IS_HUNG_UP_ON = _scenario(
    _send(_ASK, retrans="500"), *_PROGRESS, _got("200", rrs="true"), _ACK, _got("BYE"), _answer("200 OK", tag=""),
)  # fmt: skip
GIVES_UP = _scenario(
    _send(_ASK, retrans="500"), _got("100", optional="true"), _got("180"),
    _send(_OF_THE_INVITE.format(method="CANCEL", after=3, tag=""), retrans="500"), _got("200"),
    _got("487"), _send(_OF_THE_INVITE.format(method="ACK", after=6, tag="[peer_tag_param]")),
)  # fmt: skip


CALLS_FOR_A_WHILE = CALLS.replace('milliseconds="300"', 'milliseconds="2000"')


def is_refused(status: str) -> str:
    """A caller who is refused with that status."""
    thanks = _send(_OF_THE_INVITE.format(method="ACK", after=3, tag="[peer_tag_param]"))
    return _scenario(_send(_ASK, retrans="500"), _got("100", optional="true"), _got(status), thanks)


_KEEP = (
    '<recv request="INVITE" rrs="true"><action>'
    '<ereg regexp=".*" search_in="hdr" header="From:" assign_to="from"/>'
    '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="to"/></action></recv>'
)
_KEEP_VIAS = (
    '<recv request="INVITE"><action>'
    '<ereg regexp=".*" search_in="hdr" header="Via:" occurrence="1" assign_to="via1"/>'
    '<ereg regexp=".*" search_in="hdr" header="Via:" occurrence="2" assign_to="via2"/></action></recv>'
)
_GIVEN_UP = (
    _ANSWER.replace("[last_CSeq:]", "CSeq: 1 INVITE")
    .replace("[last_Via:]", "Via: [$via1]\nVia: [$via2]")
    .format(code="487 Request Terminated", tag=";tag=B[call_number]")
)
_RINGS = _answer("180 Ringing")
_PICKS_UP = _send(_ANSWER.format(code="200 OK", tag=";tag=B[call_number]") + _TALKATIVE + _SDP, retrans="500")
ANSWERS = _scenario(
    _got("INVITE", rrs="true"), _RINGS, _PICKS_UP, _got("ACK"), _got("BYE"), _answer("200 OK", tag="")
)  # fmt: skip
ANSWERS_AND_HANGS_UP = _scenario(
    _KEEP, _RINGS, _PICKS_UP, _got("ACK"), _send(_BYE_BACK, retrans="500"), _got("200")
)  # fmt: skip
LETS_IT_RING = _scenario(
    _KEEP_VIAS, _RINGS, _got("CANCEL"), _send(_ANSWER.format(code="200 OK", tag="") + "Content-Length: 0\n\n"),
    _send(_GIVEN_UP + "Content-Length: 0\n\n", retrans="500"), _got("ACK"),
)  # fmt: skip

FORWARDED_TO = "13600000099"
"""A third number, which the callee's exchange or phone forwards to; no leg but its own may see it."""

_TARGETS = f"""Contact: "[me]" <sip:+86[me]@[local_ip]:[local_port]>;q=0.9, <tel:+86-{FORWARDED_TO[:3]}-{FORWARDED_TO[3:]}>
Contact: <sip:86{FORWARDED_TO}@[local_ip];user=phone>
"""
_FORWARDING = f"""Diversion: "[me]" <tel:+86[me]>;reason=unconditional;counter=1, <sip:86{FORWARDED_TO}@[local_ip]>
History-Info: <sip:+86[me]@[local_ip]?Reason=SIP%3Bcause%3D302>;index=1, <tel:{FORWARDED_TO}>;index=1.1
P-Asserted-Identity: "[me]" <tel:+86[me]>
P-Preferred-Identity: <sip:[me]@[local_ip]>
P-Called-Party-ID: <sip:86[me]@[local_ip]>
Remote-Party-ID: "{FORWARDED_TO}" <sip:0086{FORWARDED_TO}@[local_ip]>;party=called;privacy=off
Privacy: none;history
Call-Info: <sip:{FORWARDED_TO}@[local_ip]>;purpose=info
Alert-Info: <sip:[me]@[local_ip]>
Reason: SIP;cause=302;text="moved to {FORWARDED_TO}"
Referred-By: <sip:[me]@[local_ip]>
Subject: [me]
Warning: 399 [local_ip] "forwarded to {FORWARDED_TO}"
Server: phone of [me] at [local_ip]
"""
_TALK = """Contact: "[me]" <sip:+86[me]@[local_ip]:[local_port]>
"""
_SDP_OF_FORWARDER = f"""Content-Type: application/sdp
Content-Length: [len]

v=0
o=[me] 1 1 IN IP[local_ip_type] [local_ip]
s=张三 [me]
i=forwarded to {FORWARDED_TO}
u=tel:+86[me]
p=+86 {FORWARDED_TO[:3]} {FORWARDED_TO[3:]}
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
i=stream of [me]
a=rtpmap:0 PCMU/8000
a=ssrc:1 cname:[me]@[local_ip]
a=x-forwarded-to:{FORWARDED_TO}
"""
_KEEP_CALLER = re.sub(r'<ereg [^>]*assign_to="to"/>', "", _KEEP)
_TEXT_BODY = f"""Content-Type: text/plain
Content-Length: [len]

[me] is forwarded to {FORWARDED_TO}
"""
_NOTHING = "Content-Length: 0\n\n"


def _forwarder(code: str, body: str = _NOTHING, *, contact: str = _TALK, **how: str) -> str:
    """An answer to the INVITE by a phone that tells all it can of itself and of whom it forwards to."""
    lines = _ANSWER.replace("[last_To:]{tag}", 'To: "[me]" <sip:+86[me]@[local_ip]>{tag}')
    return _send(lines.format(code=code, tag=";tag=B[call_number]") + contact + _FORWARDING + body, **how)


def _within(method: str, cseq: int, more: str = "", body: str = _NOTHING) -> str:
    """A request within the call by the phone that was called."""
    start = _BYE_BACK.partition("CSeq:")[0].replace("BYE", method, 1)
    start = start.replace("From: [$to]", 'From: "[me]" <sip:+86[me]@[local_ip]>')
    return _send(f"{start}CSeq: {cseq} {method}\nMax-Forwards: 70\n{_TALK}{_FORWARDING}{more}{body}", retrans="500")


def declines(code: str) -> str:
    """A phone, or its exchange, that does not take the call, and says to the caller where it is forwarded."""
    status = f"{code} [me] has moved to {FORWARDED_TO}"
    contact = _TARGETS if code.startswith("3") else _TALK
    return _scenario(_got("INVITE", rrs="true"), _forwarder(status, _TEXT_BODY, contact=contact), _got("ACK"))


TAKES_A_FORWARDED_CALL = _scenario(
    _KEEP_CALLER,
    _forwarder(f"181 Forwarded to {FORWARDED_TO}", _TEXT_BODY),
    _forwarder("183 [me] in progress", _SDP_OF_FORWARDER),
    _forwarder("180 [me] rings"),
    _forwarder("200 [me] answers", _SDP_OF_FORWARDER, retrans="500"),
    _got("ACK"),
    _within("UPDATE", 3, body=_SDP_OF_FORWARDER), _got("405"),
    _within("INFO", 4, body=_TEXT_BODY), _got("405"),
    _within("MESSAGE", 5, body=_TEXT_BODY), _got("405"),
    _within("REFER", 6, f"Refer-To: <tel:+86{FORWARDED_TO}>\n"), _got("405"),
    _within("INVITE", 7, body=_SDP_OF_FORWARDER), _got("100", optional="true"), _got("200"),
    _within("ACK", 7).replace(' retrans="500"', ""),
    _within("BYE", 8, body=_TEXT_BODY), _got("200"),
)  # fmt: skip
CALLS_SOMEONE_WHO_FORWARDS = _scenario(
    _send(_ASK, retrans="500"), _got("100", optional="true"),
    *(_got(code, optional="true", rrs="true") for code in ("181", "183", "180")),
    _got("200", rrs="true"), _ACK, _got("INVITE"),
    _send(_ANSWER.format(code="200 OK", tag="") + _TALKATIVE + _SDP, retrans="500"), _got("ACK"),
    _got("BYE"), _answer("200 OK", tag=""),
)  # fmt: skip
_FORWARDED_ASK = _ASK.replace(_TALKATIVE + _SDP, _TALK + _FORWARDING + _SDP_OF_FORWARDER).replace(
    "To: <sip", 'To: "from [me]" <sip'
)
CALLS_BEING_FORWARDED = CALLS.replace(_send(_ASK, retrans="500"), _send(_FORWARDED_ASK, retrans="500"))
