"""What Tencent Cloud's codes mean for us: each is sorted by what helps. The texts are for operators, in our words.

Sources, read on 25 November 2026 from stored copies: cloud.tencent.com/document/api/382/59177 (codes of sending) and 382/52075
(codes common to all products; the end of that list as quoted from product/213/30435); every code of the product as a constant in
tencentcloud-sdk-python-sms 3.1.153, sms/v20210111/errorcodes.py, against which a test holds this table.

A code that is not here ends in OperatorNeeded by its name; only an unknown internal error of theirs ends Uncertain.
"""

import re
from dataclasses import dataclass

from sending import AddressRefused, OperatorNeeded, SendError, TryLater, Uncertain

PROVIDER = "tencent"
OK = "Ok"

CODE = re.compile(r"[A-Za-z]{1,60}(\.[A-Za-z]{1,80})?", re.ASCII)
"""How codes are written. Anything else may hold a person's data and is not repeated."""

REQUEST_ID = re.compile(r"[0-9a-fA-F-]{8,64}", re.ASCII)

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row: how sending ends, why, and for those who wait, how long."""

    kind: type[SendError]
    text: str
    after_s: float | None = None


USER_MUST_WAIT = {
    # What the console's limits count; how much is left of a day is not said, so a whole one is waited.
    "LimitExceeded.DeliveryFrequencyLimit": (MINUTE, "发送过于频繁，触发了控制台设置的频率限制"),
    "LimitExceeded.PhoneNumberThirtySecondLimit": (30.0, "同一号码三十秒内的短信已达上限"),
    "LimitExceeded.PhoneNumberOneHourLimit": (HOUR, "同一号码一小时内的短信已达上限"),
    "LimitExceeded.PhoneNumberDailyLimit": (DAY, "同一号码当天的短信已达上限"),
    "LimitExceeded.PhoneNumberSameContentDailyLimit": (DAY, "同一号码当天内容相同的短信已达上限"),
}

USER_MUST_CORRECT = {
    "FailedOperation.PhoneNumberInBlacklist": "号码在免打扰名单中，多为用户退订",
    "FailedOperation.PhoneNumberParseFail": "号码无法识别",
    "InvalidParameterValue.IncorrectPhoneNumber": "号码格式不正确",
    "LimitExceeded.AppCountryOrRegionInBlacklist": "不允许向号码所在的国家或地区发送",
    "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone": "号码不是境内号码，只能发送境内短信",
    "UnsupportedOperation.UnsupportedRegion": "不支持向号码所在的地区发送",
}

RETRY = {
    "LimitExceeded.GlobalSmsSendingRateLimit": (1.0, "国际短信发送过快"),
    "RequestLimitExceeded": (1.0, "接口调用过快"),
    "RequestLimitExceeded.GlobalRegionUinLimitExceeded": (1.0, "主账号调用接口过快"),
    "RequestLimitExceeded.IPLimitExceeded": (1.0, "本机地址调用接口过快"),
    "RequestLimitExceeded.UinLimitExceeded": (1.0, "账号调用接口过快"),
    "ResourceInsufficient": (MINUTE, "服务商资源不足"),
    "ResourceUnavailable": (MINUTE, "服务商资源暂不可用"),
    "ServiceUnavailable": (MINUTE, "服务商暂时不能提供服务"),
}

MAY_HAVE_BEEN_SENT = {
    # They tell of trouble on the way from the provider to the carrier, or of nothing in particular.
    "InternalError": "服务商内部错误",
    "InternalError.OtherError": "服务商内部的其他错误",
    "InternalError.ParseBackendResponseFail": "服务商没有看懂运营商的应答",
    "InternalError.SendAndRecvFail": "服务商内部收发超时",
    "InternalError.Timeout": "服务商下发超时",
    "InternalError.UnknownError": "服务商内部的未知错误",
    "ResponseSizeLimitExceeded": "应答超过大小限制，短信可能已经发出",
}

OPERATOR_MUST_ACT = {
    # Money, limits and permissions
    "FailedOperation.InsufficientBalanceInSmsPackage": "套餐包余量不足，请购买套餐包",
    "UnauthorizedOperation.ServiceSuspendDueToArrears": "账号欠费，服务已停，请缴清欠款",
    "LimitExceeded": "超过配额",
    "LimitExceeded.AppCountryOrRegionDailyLimit": "应用对这一国家或地区当天的发送量已达上限，请在控制台调整",
    "LimitExceeded.AppDailyLimit": "应用当天的发送量已达上限，请在控制台调整",
    "LimitExceeded.AppGlobalDailyLimit": "应用当天的国际短信量已达上限，请在控制台调整",
    "LimitExceeded.AppMainlandChinaDailyLimit": "应用当天的境内短信量已达上限，请在控制台调整",
    "LimitExceeded.DailyLimit": "当天的国际短信量已达上限，请联系服务商",
    "LimitExceeded.PhoneNumberCountLimit": "一次提交的号码过多",
    "FailedOperation.ForbidAddMarketingTemplates": "个人账号不能申请营销短信",
    "FailedOperation.NotEnterpriseCertification": "账号没有通过企业认证",
    "FailedOperation.ProhibitSubAccountUse": "这个接口只有主账号能用",
    "UnauthorizedOperation": "没有授权",
    "UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny": "个人账号不能发送营销短信",
    "UnauthorizedOperation.RequestIpNotInWhitelist": "本机地址不在控制台设置的白名单中",
    "UnauthorizedOperation.RequestPermissionDeny": "没有调用这个接口的权限，拉取回执须先联系服务商开通",
    "UnauthorizedOperation.SdkAppIdIsDisabled": "应用已被停用，请联系服务商",
    "UnauthorizedOperation.SmsSdkAppIdVerifyFail": "应用与密钥不属于同一账号",
    "IpInBlacklist": "本机地址在服务商的黑名单中",
    "IpNotInWhitelist": "本机地址不在服务商的白名单中",
    # Keys, clocks and the form of requests
    "AuthFailure.InvalidAuthorization": "签名头不符合要求",
    "AuthFailure.InvalidSecretId": "密钥不是云接口密钥",
    "AuthFailure.MFAFailure": "多因素认证失败",
    "AuthFailure.SecretIdNotFound": "密钥不存在，或已被删除、停用",
    "AuthFailure.SignatureExpire": "签名过期，请校准服务器时钟",
    "AuthFailure.SignatureFailure": "签名不正确，请核对密钥",
    "AuthFailure.TokenFailure": "临时密钥不正确",
    "AuthFailure.UnauthorizedOperation": "密钥没有得到访问短信服务的授权",
    "InternalError.JsonParseFail": "服务商没有看懂请求的参数",
    "InternalError.RequestTimeException": "请求的时间不正常，请校准服务器时钟",
    "InternalError.RestApiInterfaceNotExist": "接口不存在",
    "InternalError.SigFieldMissing": "请求缺少签名",
    "InternalError.SigVerificationFail": "服务商后端核对签名失败",
    "ActionOffline": "接口已下线",
    "DryRunOperation": "请求只是演练",
    "FailedOperation": "操作失败",
    "FailedOperation.FailResolvePacket": "请求不符合接口的要求",
    "FailedOperation.JsonParseFail": "请求不是正确的 JSON",
    "FailedOperation.OtherError": "其他错误，多因参数不符合要求",
    "FailedOperation.ParametersOtherError": "参数的未知错误",
    "InvalidAction": "接口不存在",
    "InvalidParameter": "参数错误",
    "InvalidParameter.AppidAndBizId": "账号与应用不匹配",
    "InvalidParameter.InvalidParameters": "参数有误",
    "InvalidParameterValue": "参数取值错误",
    "InvalidParameterValue.SdkAppIdNotExist": "应用不存在，请核对 QINGLING_SMS_TENCENT_APP_ID",
    "InvalidRequest": "请求格式错误",
    "MissingParameter": "缺少参数",
    "MissingParameter.EmptyPhoneNumberSet": "没有号码",
    "NoSuchProduct": "产品不存在",
    "NoSuchVersion": "接口版本不存在",
    "RequestSizeLimitExceeded": "请求过大",
    "ResourceInUse": "资源被占用",
    "ResourceNotFound": "资源不存在",
    "UnknownParameter": "有不认识的参数",
    "UnsupportedOperation": "不支持这项操作",
    "UnsupportedProtocol": "不支持这种协议",
    "UnsupportedRegion": "地域不提供短信服务，请核对 QINGLING_SMS_TENCENT_REGION",
    # Signatures and templates
    "FailedOperation.MarketingSendTimeConstraint": "模板被登记为营销短信，只能在八点到二十二点发送，请改用通知类模板",
    "FailedOperation.MissingSignature": "还没有申请签名",
    "FailedOperation.MissingSignatureList": "没有已通过审核的签名",
    "FailedOperation.MissingSignatureToModify": "要修改的签名不存在",
    "FailedOperation.MissingTemplateList": "没有已通过审核的模板",
    "FailedOperation.MissingTemplateToModify": "要修改的模板不存在",
    "FailedOperation.QualificationIdNotApproved": "资质没有通过审核",
    "FailedOperation.SignIdNotExist": "签名编号不存在",
    "FailedOperation.SignNumberLimit": "签名数量已达上限",
    "FailedOperation.SignatureIncorrectOrUnapproved": "签名写错或没有通过审核，请核对 QINGLING_SMS_TENCENT_SIGN",
    "FailedOperation.TemplateAlreadyPassedCheck": "模板已通过审核，不能再改",
    "FailedOperation.TemplateIdNotExist": "模板编号不存在，请核对模板文件",
    "FailedOperation.TemplateIncorrectOrUnapproved": "模板没有通过审核，或内容与审核的不符",
    "FailedOperation.TemplateNumberLimit": "模板数量已达上限",
    "FailedOperation.TemplateParamSetNotMatchApprovedTemplate": "参数个数与模板不符，请核对模板文件",
    "FailedOperation.TemplateUnapprovedOrNotExist": "模板不存在或没有通过审核，请核对模板文件",
    "InvalidParameterValue.InvalidTemplateFormat": "模板格式错误",
    "InvalidParameterValue.MarketingTemplateWithoutUnsubscribe": "营销模板没有写明退订方式",
    "InvalidParameterValue.QualificationIdNotFound": "资质编号不存在",
    "InvalidParameterValue.SignAlreadyPassedCheck": "签名已通过审核，不能再改",
    "InvalidParameterValue.SignExistAndUnapproved": "相同的签名正在审核",
    "InvalidParameterValue.SignNameLengthTooLong": "签名过长",
    "InvalidParameterValue.TemplateWithDirtyWords": "模板含有敏感词",
    "InvalidParameterValue.UnsupportedTemplateVariable": "境内通知模板不能带变量",
    # What is sent
    "FailedOperation.ContainSensitiveWord": "短信含有敏感词",
    "InvalidParameter.DirtyWordFound": "含有敏感词",
    "InvalidParameterValue.ContentLengthLimit": "短信过长",
    "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter": "模板变量中不能有网址",
    "InvalidParameterValue.TemplateParameterFormatError": "验证码模板的变量只能是六位以内的数字",
    "InvalidParameterValue.TemplateParameterLengthLimit": "模板变量过长",
    "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber": "境内与境外号码不能一起发送",
    "UnsupportedOperation.ContainDomesticPhoneNumber": "这个接口只能发往境外",
    "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone": "国际模板不能发往境内号码，请核对模板文件",
    # Fields of calls that we do not make
    "InvalidParameterValue.BeginTimeVerifyFail": "起始时间不正确",
    "InvalidParameterValue.EndTimeVerifyFail": "截止时间不正确",
    "InvalidParameterValue.ImageInvalid": "图片格式错误",
    "InvalidParameterValue.InvalidDocumentType": "证明类型不正确",
    "InvalidParameterValue.InvalidInternational": "境内或国际的标记不正确",
    "InvalidParameterValue.InvalidSignPurpose": "签名用途不正确",
    "InvalidParameterValue.InvalidSmsType": "短信类型不正确",
    "InvalidParameterValue.InvalidStartTime": "拉取的起止时间不正确",
    "InvalidParameterValue.InvalidUsedMethod": "签名使用方式不正确",
    "InvalidParameterValue.LimitVerifyFail": "拉取的条数不正确",
    "InvalidParameterValue.MultiSmsInfoSetEmpty": "没有短信",
    "InvalidParameterValue.OffsetVerifyFail": "偏移量不正确",
}

MEANINGS: dict[str, Meaning] = {
    **{code: Meaning(TryLater, text, after_s) for code, (after_s, text) in (USER_MUST_WAIT | RETRY).items()},
    **{code: Meaning(AddressRefused, text) for code, text in USER_MUST_CORRECT.items()},
    **{code: Meaning(Uncertain, text) for code, text in MAY_HAVE_BEEN_SENT.items()},
    **{code: Meaning(OperatorNeeded, text) for code, text in OPERATOR_MUST_ACT.items()},
}


def to_error(code: object, request_id: object = None) -> SendError:
    """The error to raise for a code of theirs, with the request's id: it is what their support asks for."""
    if not isinstance(code, str) or not CODE.fullmatch(code):
        return Uncertain(PROVIDER, "AnswerUnreadable", "应答中没有可识别的错误码")
    meaning = MEANINGS.get(code) or Meaning(
        Uncertain if code.startswith("InternalError.") else OperatorNeeded,
        "未收录的错误码，请查阅服务商的文档",
    )
    text = meaning.text
    if isinstance(request_id, str) and REQUEST_ID.fullmatch(request_id):
        text += f"，RequestId {request_id}"
    if issubclass(meaning.kind, TryLater):
        return meaning.kind(PROVIDER, code, text, after_s=meaning.after_s)
    return meaning.kind(PROVIDER, code, text)
