"""What a caller in Python writes; checked in strict mode against the generated client."""

from generated.api.waybills import checkout
from generated.client import AuthenticatedClient
from generated.models import CheckoutIn, OrderIn, PartyIn, Problem, WaybillOutcome

PARTY = PartyIn(name="张测试", phone="13800000003", address="上海市浦东新区世纪大道1号")
ORDER = OrderIn(reference="A-1", recipient=PARTY, sender=PARTY)


def sent(client: AuthenticatedClient, proof: str) -> list[str]:
    answer = checkout.sync(client=client, body=CheckoutIn(orders=[ORDER]), d_po_p=proof)
    if answer is None or isinstance(answer, Problem):
        return []
    return [each.state.value if isinstance(each, WaybillOutcome) else each.rule.value for each in answer.outcomes]
