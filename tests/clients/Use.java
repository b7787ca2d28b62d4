// What a caller in Java writes; compiled against the generated client.

import java.time.OffsetDateTime;
import java.util.List;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.WaybillsApi;
import org.openapitools.client.model.*;

final class Use {
    static List<CheckoutOutcome> sent(String proof) throws ApiException {
        PartyIn party = new PartyIn().name("张测试").phone("13800000003").address("上海市浦东新区世纪大道1号");
        OrderIn order = new OrderIn().reference("A-1").recipient(party).sender(party);
        return new WaybillsApi().checkout(new CheckoutIn().addOrdersItem(order), proof).getOutcomes();
    }

    static String told(CheckoutOutcome outcome) {
        if (outcome.getActualInstance() instanceof WaybillOutcome) {
            WaybillOutcome waybill = outcome.getWaybillOutcome();
            OffsetDateTime until = waybill.getNumber().getExpires();
            return waybill.getMasked().getRecipient().getName().getText() + until + waybill.getState().getValue();
        }
        return outcome.getRejected().getRule() == Rule.ALREADY_MASKED ? "" : outcome.getRejected().getField();
    }
}
