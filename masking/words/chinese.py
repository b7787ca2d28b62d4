"""The Chinese meaning and remedy of every registered word, in the order of the registers.

Documents, the outlet's page, files of rejected orders and commands take their Chinese from here. A test fails on a word
that is missing.
"""

from __future__ import annotations

from masking.words.alarms import AlarmKind
from masking.words.ledger_kinds import LedgerKind
from masking.words.proof_rules import ProofRule
from masking.words.reasons import Reason
from masking.words.request_rules import RequestRule
from masking.words.rules import Rule
from masking.words.word import Word

REASONS = {
    # access to a parcel
    "unknown": ("对当前用户不存在：从未签发、已销毁或属于他人（不作区分）。", "请核对号码，并确认该件是否派给了您。"),
    "not-in-custody": ("该件目前不在执行此任务所需的位置。", "请先由网点做到件扫描。"),
    "duty-is-over": ("派件已超过 24 小时。", "请网点重新派件。"),
    "print-superseded": ("该件已打印了更新的面单。", "请使用最新的面单。"),
    "wrong-leg": ("用途与该件所处的环节不符。", "请按下一环节的用途查询。"),
    "damaged": ("该件的存储数据无法读取或打开。", "请联系运维；商家可以修改或取消订单。"),
    # budgets
    "locked": ("一小时内被拒次数过多。", "请等待 `retry_after` 秒，或请主管解锁。"),
    "off-hours": ("只在营业时间内可以查看。", "请等待 `retry_after` 秒。"),
    "daily-budget-spent": ("今天查看的件数已达到派件数允许的上限。", "请等待 `retry_after` 秒，或请网点加派。"),
    "too-many-unfinished": ("已查看而未签收、未登记派送失败的件太多。", "请先登记签收或派送失败。"),
    "too-fast": ("查看或重复操作的速度超过了正常作业。", "请等待 `retry_after` 秒。"),
    "too-many-handed-on": ("网点今天转派的已查看件太多。", "请等待 `retry_after` 秒。"),
    "looked-too-often": ("本次派件已查看脱敏信息 30 次。", "请网点重新派件。"),
    "said-wrong-too-often": ("该件累计三次报错手机号（所有派件合计）。", "请致电收件人，或送货上门。"),
    # assignments
    "needs-a-diversion": ("该件的三段码属于其他网点。", "请由其他网点登记 `diverted` 扫描，转到本网点。"),
    "not-arrived": ("该件属于本网点，但没有到件扫描。", "请先做到件扫描。"),
    "arrival-scanned-by-the-same-person": ("派件人与到件扫描人是同一人。", "请由另一位同事派件。"),
    "just-assigned": ("另一请求刚刚派出该件。", "如仍需派件，请重新提交。"),
    "no-such-courier-here": ("本网点没有该编号的快递员。", "请核对快递员编号和所属网点。"),
    # labels
    "job-of-another": ("该打印任务属于他人。", "请使用自己的任务名。"),
    "job-or-station-not-1-to-64-letters-digits-hyphens": (
        "任务名或台号应为 1 至 64 位字母、数字、点、冒号、下划线或连字符。",
        "请更换名称。",
    ),
    "not-shipped": ("还没有运单号或三段码。", "请先用 `ship` 填写。"),
    "delivered": ("该件已签收。", "无需再操作。"),
    "reprint-needs-outlet-and-reason": (
        "面单已在其他任务中打印过。",
        "请使用原任务，或由件所在的网点注明原因补打。",
    ),
    "reprint-needs-a-scan-by-another": (
        "到件扫描由本人所做，或没有到件扫描。",
        "请由本网点另一位同事打印；只有一人的网点，可请主管再登记一位。",
    ),
    "printed-too-often": ("该件的面单已打印一千次。", "请使用最新的面单，或请商家另建订单寄出。"),
    # changes by the merchant
    "already-printed": ("面单已打印。", "订单不能再修改。"),
    "already-scanned": ("承运商已扫描该件。", "订单不能再修改。"),
    "held": ("运维因纠纷、查询或理赔保留了该运单。", "请联系运维解除保留。"),
    "not-cancellable": ("当前状态下订单不能取消。", "请等待按期处理。"),
    "not-active": ("运单已封存。", "不能再修改。"),
    # retention
    "no-such-reason": ("给出的原因不在列表中。", "请使用命令帮助中列出的原因。"),
    "not-held": ("该运单没有被保留。", "无需再操作。"),
    "not-sealed-away": ("该运单未封存，用不到归档密钥。", "有派送任务的快递员可以打开。"),
    "already-sealed-away": ("该运单已封存。", "无需再操作。"),
    # keys
    "no-such-key": ("没有这个用途和名称的可用密钥，或该用途不允许此操作。", "请用 `waybill keys list` 查看名称。"),
    "key-in-use": ("今天的新密钥由该密钥包裹。", "请先吊销或轮换该密钥。"),
    "key-still-needed": (
        "仍有运单密钥由该密钥包裹。",
        "请先运行 `waybill keys refresh`；损坏的包裹要等其运单销毁后才会消失。",
    ),
    "older-than-24-hours": ("密钥库备份已超过 24 小时，本应删除。", "请用更新的备份恢复。"),
    # scans
    "event-not-1-to-128-printable-characters": (
        "扫描的事件名为空、过长或含不可打印字符。",
        "请更换 `Idempotency-Key`。",
    ),
    "event-of-another-scan": ("同一 `Idempotency-Key` 下已有不同的扫描。", "新的扫描请使用新的键。"),
    "not-your-kind-of-scan": ("该角色不能登记此类扫描。", "请由网点或快递员登记。"),
    "to-names-another-unit-of-departed-or-diverted": (
        "`to` 缺失、多余，或就是本网点。",
        "`to` 只用于 `departed` 和 `diverted`，且应为其他网点。",
    ),
    "to-names-a-unit-without-staff": ("`to` 所指的网点没有登记任何人员或程序。", "请核对网点编号。"),
    "sent-to-another-unit": ("该件已指名发往其他网点。", "请改派到本网点，或由指名的网点扫描。"),
    "being-recorded": ("另一请求正在登记此次扫描。", "请在 `retry_after` 秒后重试。"),
    # enrolment and tokens
    "enough-for-today": ("该主管今天签发的登记码已达上限。", "请明天继续，或请其他主管签发。"),
    "needs-a-second-supervisor": (
        "该主管今天单独执行此操作的次数已达上限，请求已记录。",
        "请另一位主管在一天内提出同样的请求，或明天继续。",
    ),
    "phone-differs": ("手机号与主管登记时填写的不符。", "请再次向本人核实手机号；仍不符时告知另一位主管。"),
    "id-taken": ("该编号属于他人，或属于已停用的人员。", "请更换编号。"),
    "unauthenticated": (
        "登记码错误、已使用、已过期或未经确认，或本机密钥未登记（例如密钥文件丢失）。",
        "请恢复密钥文件，请人确认登记码，或请主管重新签发。",
    ),
    "replayed": ("该签名已使用过。", "每次请求都要重新签名。"),
    "no-shift": ("快递员的班次尚未开始或已结束。", "请网点开始班次。"),
    "device-of-another-person": ("该密钥属于他人的设备。", "请为每个人生成新的密钥。"),
    # calls
    "no-verified-phone": ("该快递员没有登记已核实的手机号。", "请主管登记手机号并重新登记该快递员。"),
    "no-number-leased": ("没有可用的虚拟号。", "请稍后再试；运维需要补充号码。"),
    "not-your-number": ("该主号不属于这台交换机。", "请核对号码导入时指定的交换机。"),
    "dial-the-extension": ("只拨了主号，没有拨分机号。", "请主叫拨分机号。"),
    "no-such-extension": ("分机号的位数不对。", "请主叫重新拨分机号。"),
    "intent-used": ("登记的通话已接通过。", "请快递员重新登记通话。"),
    "intent-expired": ("登记通话已超过两分钟。", "请快递员重新登记通话。"),
    "announce-first": ("快递员未登记就拨号。", "请快递员先在应用中登记通话。"),
    "not-connected": ("主叫未接通（不说明原因）。", "请播放提示音。"),
    "unknown-call": ("服务没有为该交换机接通过这个通话。", "请使用接通时返回的 `call`。"),
    "not-an-event": ("事件或时长无效。", "请使用列出的事件，时长不超过一天。"),
    "provider-down": ("无法连接号码服务商，没有绑定。", "请在 `retry_after` 秒后重新登记通话。"),
    "provider-busy": ("号码服务商暂不接受请求，没有绑定。", "请在 `retry_after` 秒后重新登记通话。"),
    "provider-refused": ("号码服务商拒绝了请求，没有绑定。", "请联系运维。"),
    "provider-not-bindable": ("号码服务商无法接通其中一个号码。", "请不打电话直接派送。"),
    "provider-conflict": ("试过的主号都已被这两个号码占用。", "请在 `retry_after` 秒后重新登记通话。"),
    "provider-no-answer": ("号码服务商没有说明是否已绑定。", "请重新登记通话，将使用另一个号码。"),
}

PROOF_RULES = {
    "missing": ("请求没有 `DPoP` 头。", "请用设备密钥为每个请求签名。"),
    "twice": ("请求有多个 `DPoP` 头。", "请只发送一个签名。"),
    "too-long": ("签名过长。", "请只发送 docs/service.md 列出的声明。"),
    "form": ("签名不是已签名的 JWT。", "请用 JWT 库生成。"),
    "typ": ("签名的 `typ` 不是 `dpop+jwt`。", "请设置正确的值。"),
    "alg": ("签名的 `alg` 不是 `ES256`。", "请用 P-256 密钥签名。"),
    "header": ("签名的头部含有 `typ`、`alg`、`jwk` 以外的成员。", "请去掉多余的成员。"),
    "jwk": ("签名的 `jwk` 不是 P-256 公钥。", "请发送设备公钥，不含私钥部分。"),
    "signature": ("签名不是由头部的密钥签出的。", "请用设备密钥签名。"),
    "jti": ("签名的 `jti` 缺失或过长。", "请每次使用新的随机值。"),
    "iat": ("签名的 `iat` 不是以秒计的时间。", "请使用自 1970 年起的秒数。"),
    "stale": ("按服务的时钟，签名已过期。", "请校准本机时间，重新签名。"),
    "future": ("按服务的时钟，签名时间在未来。", "请校准本机时间。"),
    "htm": ("签名对应的是另一种方法。", "每次请求都要重新签名。"),
    "htu": (
        "签名对应的地址不是服务自己的地址。",
        "请使用 `[service] address` 的地址；未设置时用 http://127.0.0.1:8440，不用 localhost。",
    ),
    "ath": ("签名对应的是另一个令牌。", "请在签名中放入当前令牌的散列值。"),
    "replayed": ("该签名已使用过。", "每次请求都要重新签名。"),
    "bsh": ("签名对应的是另一个请求体。", "请在签名中放入当前请求体的散列值。"),
}

RULES = {
    # any text
    "missing": ("没有填写。", "请填写。"),
    "longer-than-40": ("内容超过 40 个字符。", "请缩短。"),
    "longer-than-64": ("内容超过 64 个字符。", "请缩短。"),
    "longer-than-300": ("内容超过 300 个字符。", "请缩短。"),
    "longer-than-500": ("内容超过 500 个字符。", "请缩短。"),
    "control-character": ("含有不可打印的字符。", "请去掉。"),
    "already-masked": (
        "已经打了星号，凭它送不到。",
        "请用平台自己的打单服务（按订单号或 OAID 取数）打印，或通过平台接口取得原文。",
    ),
    "no-letter": ("既没有文字也没有数字。", "请填写姓名或地址。"),
    # phones and numbers
    "spreadsheet-exponent": ("被表格软件变成了科学计数，后几位已丢失。", "请按文本格式重新导出该列。"),
    "fewer-than-7-digits": ("电话少于 7 位。", "请填写完整的电话。"),
    "not-a-phone": ("不是电话号码。", "请用数字填写完整的电话。"),
    "not-6-to-32-letters-digits-hyphens": ("运单号应为 6 到 32 位字母、数字或连字符。", "请按承运商给的号码填写。"),
    "not-2-to-32-letters-digits-blanks-hyphens": (
        "三段码应为 2 到 32 位字母、数字、空格或连字符。",
        "请按承运商给的编码填写。",
    ),
    "number-not-allotted": (
        "承运商把这个运单号分配给了其他单位，或没有分配（不说明是否已使用）。",
        "请使用分配给您的号码；分配表 `[numbers_of]` 由运维维护。",
    ),
    "already-used": ("这个运单号已属于另一个订单。", "请向承运商申请新的号码。"),
    # references
    "not-the-same": ("修改后的订单必须保留原订单号。", "请使用所修改订单的订单号。"),
    "changed-after-checkout": ("该订单号已录入过不同的内容。", "要更改请用 `amend`；另一个订单请用另一个订单号。"),
    "damaged": ("该订单号下的存储数据无法读取或打开。", "请修改或取消订单，或联系运维。"),
    "not-enrolled": ("当前用户没有登记为商家。", "请主管登记该商家。"),
    # envelopes
    "not-an-envelope": ("不是 FORMAT.md 第 6 节的信封。", "请以 base64 原样发送。"),
    "expired": ("信封或其密钥已过期。", "请用当前密钥重新封装，并检查时钟。"),
    "not-for-this": ("信封是为其他商家或服务封装的，或已被改动。", "请为本服务和本商家重新封装。"),
    "holds-no-order": ("信封里不是订单。", "请封装有效的订单。"),
    "replayed": ("该信封已使用过。", "请重新封装。"),
    # enrolments
    "not-1-to-63-small-letters-digits-hyphens": ("编号应为 1 至 63 位小写字母、数字或连字符。", "请更换编号。"),
    "nine-digits-in-a-row": ("编号含有连续九位数字，可能是电话号码。", "请更换编号。"),
    "not-a-supervisors-to-give": ("主管不能登记这个角色。", "请由运维登记。"),
    # labels
    "does-not-fit": ("用最小字号也放不下。", "请换大一号的纸，或用 `amend` 缩短内容。"),
    "did-not-fit": ("文字放不下，面单上改印“请扫码查看”。", "不用处理，或改用更大的面单。"),
    "character-not-in-font": (
        "字库中没有某个字，面单上印成 〓。",
        "请确认凭面单其余内容能找到该件；快递员扫码可看到全文。",
    ),
    "no-virtual-number": ("没有虚拟号码，面单上印“请用 App 联系收件人”。", "请告诉运维号码池已空。"),
    "too-long-for-its-turned-bars": ("第二个条码在这种面单上放不下，已省略。", "不用处理：第一个条码还在。"),
    "too-long-for-its-bars": ("运单号的条码在这种面单上放不下。", "请换大一号的纸。"),
    "not-code-128": ("运单号含有 Code 128 不能表示的字符。", "请用 `ship` 更正运单号。"),
    "not-a-label-code": ("面单码格式不对。", "请联系运维。"),
    "qr-too-dense": ("模板的二维码框太小。", "请换大一号的纸。"),
    "view-not-stamped": ("脱敏内容没有按现行规则检查过。", "请联系运维。"),
    "text-not-on-the-list": ("图样中有既不属于脱敏内容也不属于模板的文字。", "请联系运维。"),
    "background-not-the-templates": ("图样的背景不是模板的背景。", "请联系运维。"),
    "code-not-on-the-list": ("图样中的码既不是运单号也不是面单码。", "请联系运维。"),
}

REQUEST_RULES = {
    # the form of a request
    "unknown-member": ("请求中有未定义的成员。", "请删除，或更正其名称。"),
    "wrong-type": ("值的类型与定义不同。", "请按定义的类型发送。"),
    "string-too-long": ("文字过长。", "请缩短。"),
    "string-too-short": ("文字过短。", "请发送完整的值。"),
    "too-many-items": ("列表中的项目过多。", "请分成几个请求发送。"),
    "too-few-items": ("列表中的项目过少。", "请至少发送一项。"),
    "wrong-form": ("文字的格式与定义不同。", "请按服务说明中的格式发送。"),
    "not-listed": ("该值不在允许的范围内。", "请从允许的值中选择。"),
    "out-of-range": ("数字超出范围。", "请选用范围内的数字。"),
    "not-a-time": ("该值不是带时区的 RFC 3339 时间。", "请写成 2026-11-24T08:30:00Z 的形式。"),
    "not-json": ("请求体不是有效的 JSON。", "请发送 UTF-8 编码的 JSON 对象。"),
    "malformed": ("无法读取该值。", "请对照服务说明检查。"),
    "too-many-faults": ("请求体中的文字和值多于有效的请求，因此不逐一列出错误。", "请对照服务说明检查其格式。"),
    "too-large": ("请求体过大。", "请分成几个请求发送。"),
    "too-many-at-once": ("一次调用的项目超过了一条语句的上限。", "请分几次调用。"),
    "not-storable": ("某个值含有数据库无法保存的字符，如 U+0000。", "请删除该字符。"),
    "not-text": ("某段文字无法用 UTF-8 编码。", "请删除不成对的代理字符。"),
    # ids and words
    "not-an-id": ("编号的格式无法记入账本。", "请使用字母、数字、点、连字符和下划线，且没有连续九位数字。"),
    "not-a-waybill-id": ("该值不是运单标识。", "请给出录入订单时得到的 wb1_...；运单号不是运单标识。"),
    "not-16-bytes": ("记录的编号不是 16 字节。", "请用 `World.record_id` 生成。"),
    "not-a-word": ("记录中的一个细节不是词语。", "请使用已登记的词。"),
    "before-1970": ("记录的时间早于 1970 年。", "请校准时钟。"),
    # questions
    "give-a-phone-or-a-reference": ("查询时只能给出电话和订单号中的一个。", "请给出其中一个。"),
    # virtual numbers
    "not-a-number": ("主号码不是数字。", "请用数字给出。"),
    "does-not-fit-the-digits": ("分机号与位数不符。", "请给出该位数的首尾两个分机号。"),
    "not-1-to-32-small-letters-digits-hyphens": ("应为 1 至 32 位小写字母、数字或连字符。", "请换一个词。"),
    "not-a-list-of-records": ("推送的内容不是 JSON 记录列表。", "请原样转发服务商的内容。"),
    # printing
    "one-label-only": ("一张图片或一次预览只能有一张面单。", "请只请求一张。"),
    "off-the-paper": ("偏移会把面单上的条码或文字移出纸面。", "请减小偏移。"),
    "not-readable": ("文件无法按 UTF-8 文本读取。", "请换一个文件。"),
    "template-fault": ("面单模板有错误。", "请改正后运行 `waybill template check`。"),
}

ALARMS = {
    # the store
    "ledger-not-as-signed": (
        "账本被截短，或与签名时不同；不再签名。",
        "如因恢复或切换丢失了记录，请运行 `waybill ledger accept`；否则请保全数据作为证据。",
    ),
    "access-leaf-missing": (
        "某人或某设备已获准使用，但账本中没有相应的记录，或与写入时不同。",
        "请查清谁能写入数据，以及此人之后做了什么；只有服务恰在此刻被终止时才是误报。",
    ),
    "numbers-not-allotted": (
        "已登记多个商家，但没有分配运单号段，该商家的单号被拒绝。",
        "请在 waybill.toml 的 `[numbers_of]` 中分配号段，然后重启服务。",
    ),
    "row-not-as-written": (
        "决定权限的一行数据不是本程序写入的。",
        "请运行 `waybill doctor`，查清谁能写入数据，并恢复备份。",
    ),
    "damaged-record": (
        "某运单的存储数据无法读取或打开。",
        "请商家修改或取消订单；如数量较多，请停止服务并核对密钥与数据。",
    ),
    "unreadable-leaf": ("账本中有一条记录无法读取。", "请运行 `waybill ledger verify --full`，并保全数据作为证据。"),
    # virtual numbers
    "numbers-low": ("空闲的虚拟号不足十分之一。", "请补充号码；`waybill numbers plan` 给出数量。"),
    "numbers-dry": ("没有空闲的虚拟号，某运单没有分到号码。", "请补充号码。告警的另一方是占用最多的商家。"),
    "numbers-elsewhere": ("某城市的号码已用完，改用了其他城市的号码。", "请补充该城市的号码。"),
    "numbers-share": ("某商家所需的虚拟号超过了其份额。", "请询问该商家，或调高 `[numbers]` 的 `share`。"),
    "number-clash": ("两个商家填写了同一个运单号。", "请查明归属，并在 `[numbers_of]` 中分配号段。"),
    "calls-without-report": ("交换机接通了通话，但没有上报。", "请检查交换机或服务商：可能漏报，也可能被滥用。"),
    "report-of-another-caller": ("实际主叫不是登记通话的人。", "请询问快递员，并查看交换机日志。"),
    "numbers-probed": (
        "一小时内有许多未绑定的号码拨打服务商的主号。",
        "告警的另一方是该主号。请向服务商查询主叫；快递员拨号过晚也会计入。",
    ),
    "provider-account": ("号码服务商因欠费、停用或未开通而拒绝通话。", "请检查在服务商的账户和余额。"),
    "provider-key": (
        "号码服务商不接受 `[aliyun]` 的密钥、签名、权限或号码池。",
        "请在服务商控制台核对 `key_id`、密钥、`pool_key` 和权限。",
    ),
    "provider-clock": ("本机时钟与号码服务商相差超过一分钟。", "请校准时钟，并检查时间同步。"),
    # people
    "too-many-refusals": ("某人一小时内被拒次数过多，已锁定。", "请询问本人和网点；`waybill who-saw` 显示查询过什么。"),
    "wrong-phones": ("有人反复尝试不属于收件人的手机号。", "请询问操作人：这是猜测手机号的手法。"),
    "phone-differs": ("确认登记时填写的手机号与主管填写的不符。", "请在登记码使用前查明手机号属于谁。"),
    "many-revocations": ("某主管一天内停用的人数已达上限。", "请询问该主管，或按账号被盗处理。"),
    "revocation-reversed": ("某主管撤销了另一主管的停用。", "请询问两位主管。"),
    # what stands out on the ledger
    "canary": ("有人查看了虚构收件人的件，正常工作不会这样做。", "请立即询问查看人。"),
    "views-without-delivery": ("某快递员查看了许多件，多数既未签收也未派送。", "请询问快递员。"),
    "absent-everywhere": ("某快递员把多数件登记为派送失败。", "请询问快递员，并回访部分收件人。"),
    "looked-then-withdrawn": ("某网点人员把件派给快递员，对方查看后、上门前又收回。", "请询问双方。"),
    "pair-stands-out": ("某网点人员与某快递员之间，查看而未完成的件远多于其他人。", "请询问双方。"),
    "asks-for-strangers": ("某人查询了许多没有派给他的件。", "请询问查询人。"),
    "reprints": ("一人补打了许多面单。", "请询问操作人，并检查该台的打印机。"),
    "duty-never-given": ("某操作所依据的派件在账本上不存在，本程序不会这样做。", "请查清谁能写入数据。"),
    "duty-was-over": ("某操作所依据的派件已转给其他快递员，本程序不会这样做。", "请查清谁能写入数据。"),
    "never-arrived": (
        "某网点人员派出了没有同事做过到件扫描的件，本程序不会这样做。",
        "请查清谁能写入数据，并用 `waybill who-saw` 查看谁看过该件。",
    ),
}

LEDGER_KINDS = {
    "checkout": "商家录入了订单。",
    "ship": "商家填写了运单号和三段码。",
    "amend": "商家修改了订单内容。",
    "cancel": "商家取消了订单，数据已销毁。",
    "print": "首次打印面单。",
    "reprint": "补打面单，`reason` 为原因。",
    "preview": "预览面单，不含面单码。",
    "scan": "扫描包裹，`what` 为扫描种类。",
    "assign": "网点把件派给快递员。",
    "grant": "快递员为某一用途打开了该件的字段。",
    "look": "快递员查看了脱敏信息，`matched` 表示是否比对过手机号及结果。",
    "intent": "快递员登记了一次通话。",
    "connect": "接通了一次通话。",
    "no-connection": "所拨号码没有接通，`reason` 为原因。",
    "call-report": "交换机或服务商上报了通话事件。",
    "deliver": "快递员签收了该件。",
    "seal-away": "运单的在线密钥已删除，只有离线密钥能打开。",
    "destroy": "运单数据已销毁。",
    "hold": "保留运单，不按期处理。",
    "release": "解除保留。",
    "archive-open": "用离线密钥打开了已封存的运单。",
    "refusal": "对该件的操作被拒绝，`reason` 为真实原因。",
    "refusal-count": "某人未单独记录的被拒次数，`count` 为次数。",
    "enrol": "登记了人员或程序。",
    "enrol-again": "为已登记的人员签发了新的登记码。",
    "confirm": "第二人确认了登记。",
    "no-confirmation": "第二人填写的手机号与登记不符。",
    "device": "登记码把设备绑定到本人。",
    "secret": "登记码换成了不能签名的程序的口令。",
    "revoke": "主管停用了人员。",
    "reinstate": "主管撤销了停用。",
    "lost": "主管登记了设备丢失。",
    "unlock": "主管解锁了人员。",
    "asked": "主管提出了需要第二位主管同样提出的操作。",
    "shift": "网点开始了快递员的班次。",
    "shift-end": "快递员的班次已结束。",
    "key": "新建、轮换、吊销或销毁了密钥。",
    "accept": "运维接受了丢失已签名记录的账本。",
    "restore": "恢复了备份。",
    "replay": "重做了备份中没有的销毁。",
}
"""Kinds of leaves have a meaning only."""

TEXTS: dict[type[Word], dict[str, tuple[str, str]]] = {
    Reason: REASONS,
    ProofRule: PROOF_RULES,
    Rule: RULES,
    RequestRule: REQUEST_RULES,
    AlarmKind: ALARMS,
    LedgerKind: {word: (meaning, "") for word, meaning in LEDGER_KINDS.items()},
}
"""Meaning and remedy by register and word."""


def in_chinese(word: Word) -> tuple[str, str]:
    """A word's meaning and remedy in Chinese."""
    return TEXTS[type(word)][word.value]
