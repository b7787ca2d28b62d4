"""The words of column headers in exports of shops and ERPs, in lower case, without blanks and signs."""

from __future__ import annotations

import re


def _words(**table: str) -> dict[str, str]:
    return {word: field for field, words in table.items() for word in words.split()}


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


PARTY = _words(
    recipient="收件人 收货人 提货人 收件方 收货方 收方 收件 收货 提货 配送 送货 派送 "
    "recipient receiver consignee shipto ship shipping to deliveryto delivery",
    sender="寄件人 发件人 发货人 寄件方 发件方 发货方 寄方 发方 寄件 发件 发货 寄 sender shipper consignor shipfrom from",
    buyer="买家 买方 订购人 下单人 buyer billing customer",
)
"""Words for a party. The buyer may be another person than the recipient."""

ALONE = _set(
    "收件人 收货人 提货人 收件方 收货方 recipient receiver consignee 寄件人 发件人 发货人 寄件方 发件方 sender shipper"
)
"""Words for a party that alone are the header of a column of names."""

ON_THE_WAY = _set("ship shipping to from delivery 寄 发货 配送 送货 派送")
"""Words for a party or for shipping: 发货信息 may mean the goods, "shipping company" the carrier."""

PART = _words(
    name="姓名 名称 名字 名 联系人 联系人姓名 人 name fullname contact contactname contactperson",
    given_name="firstname givenname forename",
    family_name="lastname surname familyname",
    mobile="手机 手机号 手机号码 移动电话 联系手机 联系手机号 mobile mobilephone mobileno mobilenumber cell cellphone",
    phone="电话 电话号码 联系电话 联系方式 固话 固定电话 座机 电话手机 手机电话 "
    "tel telephone phone phoneno phonenumber contactnumber contactphone",
    region="省市区 省市区县 省市县 省市 所在地区 所在地 行政区 region",
    province="省 省份 州省 直辖市 自治区 province state provincename",
    city="市 城市 地级市 city cityname",
    district="区 县 地区 区县 县区 市区县 行政区县 district county area",
    street="街道 乡镇 街道乡镇 镇 街道镇 town township",
    address="地址 详细地址 详址 街道地址 联系地址 具体地址 完整地址 地址1 地址2 address addr fulladdress detailedaddress detailaddress "
    "addressdetail streetaddress address12 address1 address2 address3 addressline1 addressline2 addressline3 street",
    company="公司 公司名称 公司名 单位 单位名称 company companyname",
    line="信息 人信息 姓名电话地址 姓名地址电话 地址电话姓名 地址信息 info information details nameaddressphone",
    ignored="邮编 邮政编码 邮政编号 国家 国家地区 邮箱 电子邮箱 证件号 身份证 身份证号 身份证号码 昵称 会员名 账号 id id号 "
    "zip zipcode postcode postalcode country countrycode statecode provincecode email emailaddress",
)
"""Words for a party's fields. Identity numbers are ignored, because the law forbids them on waybills."""

BARE = {
    word: part
    for word, part in PART.items()
    if part in _set("name mobile phone province city district street address region")
    and word not in _set("人 名 名称 名字 地区 所在地 contact state area region street")
}
"""Words that may be used without a party. They mean the recipient if no other column does."""

ORDER = _words(
    reference="订单号 订单编号 订单号码 订单 订单id 商家订单号 商户订单号 客户订单号 用户订单号 外部订单号 平台单号 平台订单号 线上订单号 线上单号 原始单号 原始订单号 "
    "网店订单号 店铺订单号 系统单号 系统订单号 内部订单号 内部单号 交易编号 交易号 主订单号 主订单编号 父订单号 第三方单号 "
    "order orderno ordernumber orderid ordernum ordersn orderreference reference referenceno referencenumber ref refno",
    waybill_number="运单号 运单编号 运单号码 运单 快递单号 快递运单号 快递编号 物流单号 物流运单号 物流编号 面单号 电子面单号 电子面单 面单单号 "
    "运单号快递单号 waybill waybillno waybillnumber tracking trackingno trackingnumber trackingid trackingcode awb awbno mailno",
    three_part_code="三段码 路由码 分拣码 routingcode routecode sortingcode sortcode",
    routing_code="大头笔 大字 大笔 路由 目的地代码 目的地编码 route routing",
    goods="商品 选购商品 商品名称 商品名 商品标题 商品信息 宝贝 宝贝标题 宝贝名称 品名 货品 货品名称 货物 货物名称 货物信息 物品 物品名称 物品信息 "
    "托寄物 托寄物内容 托寄物名称 内件 内件品名 内件名称 产品 产品名称 商品简称 货品简称 "
    "goods goodsname item items itemname product products productname contents content lineitemname title producttitle",
    quantity="数量 商品数量 货品数量 产品数量 物品数量 购买数量 订购数量 成交数量 宝贝数量 件数 "
    "qty quantity lineitemquantity quantitypurchased itemquantity pcs",
    status="状态 订单状态 交易状态 售后状态 退款状态 订单售后状态 支付状态 付款状态 发货状态 配送方式 发货方式 运送方式 提货方式 取货方式 物流方式 收货方式 售后 "
    "status orderstatus financialstatus paymentstatus fulfillmentstatus shippingmethod shippingmethodtitle deliverymethod",
    parcel="包裹序号 包裹号 包裹编号 包裹 箱号 箱序号 件序 子母件 第几件 parcel parcelno package packageno packagenumber boxno",
    remark="备注 订单备注 买家留言 买家备注 买家附言 客户留言 客户备注 用户留言 用户备注 顾客留言 顾客备注 收件人备注 收件人留言 附言 留言 运单备注 面单备注 配送备注 备注信息 备注留言 收件备注 "
    "remark remarks note notes comment comments buyernote buyernotes buyermessage customernote message "
    "deliveryinstructions deliverynote deliverynotes",
)
"""Words for the order's own fields. 三段码 is a code, 大头笔 often the name of a place."""

IGNORED = re.compile(
    r".*(?:时间|日期|金额|价格|单价|总价|原价|货款|运费|邮费|费用|费|税|折扣|优惠|优惠券|积分|状态|进度|重量|体积|昵称|会员名|账号|账户|方式|编码|sku|规格|"
    r"属性|颜色|尺码|型号|条码|类型|类目|分类|店铺|店铺名称|店铺id|平台|仓库|仓|快递公司|物流公司|承运商|快递|物流|发票抬头|发票|旗帜|标签|来源|渠道|"
    r"业务员|客服|打印次数)"
    r"|序号|编号|行号|卖家备注|客服备注|内部备注|商家备注|卖家留言|商家留言|客服留言|卖家备忘|备忘|商家订单备注|卖家订单备注|sellernotes?|merchantnotes?|privatenotes?|internalnotes?|staffnotes?|adminnotes?|子订单|子订单号|子订单编号|商品id|商品链接|商品种类|是否.*|订单总数|宝贝总数量|宝贝种类"
    r"|支付宝.*|支付单号|买家|买方|下单人|订购人"
    r"|.*(?:date|time|price|amount|total|subtotal|tax|taxes|fee|status|currency|type|sku|weight|discount|code|method|store|shop)"
    r"|no|rowno|line|tags?|source|vendor|shippingcost|email|asin|shipservicelevel|shipping|acceptsmarketing|noteattributes"
    r"|risklevel|payment.*|lineitem.*|paidat|createdat|fulfilledat|cancelledat|orderitemid|variant"
)
"""Columns that no waybill needs: amounts, times, states, the seller's own notes."""

SIMPLIFIED = str.maketrans(
    "訂單號電話運聯絡備註數量貨區縣鎮鄉門寄發詳細資訊郵編碼機戶樓層個網賣買購實總價額項規顏態時間遞費會員國際稱產寶貝類箱東",
    "订单号电话运联络备注数量货区县镇乡门寄发详细资讯邮编码机户楼层个网卖买购实总价额项规颜态时间递费会员国际称产宝贝类箱东",
)

NOTE = re.compile(
    r"[(\[](?:可选|必须|不填|required|optional|\d+位|\d+字以?内|.{0,12}必填.{0,12}|.{0,12}选填.{0,12}"
    r"|元|件|个|kg|千克|公斤|cny|rmb)[)\]]"
)
"""Notes in brackets that say how to fill a column, not what it is."""
