// What a caller in TypeScript writes; compiled in strict mode against both generated clients.

import type { components, operations } from "./schema";
import { CheckoutOutcome, Configuration, Reason, WaybillsApi } from "./fetch";

type Outcome = components["schemas"]["CheckoutOutcome"];
const party = { name: "张测试", phone: "13800000003", address: "上海市浦东新区世纪大道1号" };

// goods, remark and the carrier's numbers may be left out
export const order: components["schemas"]["OrderIn"] = { reference: "A-1", recipient: party, sender: party };
export type Proof = NonNullable<operations["checkout"]["parameters"]["header"]>["DPoP"];

/** Every kind of outcome is handled, or this does not compile. */
export function told(outcome: Outcome): string {
  switch (outcome.outcome) {
    case "waybill":
      return outcome.masked?.recipient.name.text ?? outcome.state;
    case "rejected":
      return `${outcome.field}: ${outcome.rule}`;
    default: {
      const none: never = outcome;
      return none;
    }
  }
}

export async function sent(dPoP: string): Promise<CheckoutOutcome[]> {
  const waybills = new WaybillsApi(new Configuration({ apiKey: "DPoP wbt1_" }));
  const changed = await waybills.ship({ dPoP, shipIn: { items: [] } });
  for (const each of changed.outcomes) {
    if (each.outcome === "refused" && each.reason === Reason.AlreadyPrinted) return [];
    if (each.outcome === "waybill") each.number?.expires.getTime();
  }
  return (await waybills.checkout({ dPoP, checkoutIn: { orders: [order] } })).outcomes;
}
