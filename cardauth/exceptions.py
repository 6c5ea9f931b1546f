"""Why a card, or a ticket of the CAS server, was not taken; each docstring is the sentence a user reads.

CardRefused                    code        reason (for logs: one English word, never anything of the card's)
├── TokenMalformed             malformed   size, shape, base64, format, der
├── AlgorithmRefused           algorithm   unknown, key, key_size, curve
├── CertificateUnfit           certificate key_usage, extended_key_usage, authority, critical_extension, serial
├── CertificateExpired         expired     expired, not_yet_valid
├── CertificateUntrusted       untrusted   issuer
├── CertificateRevoked         revoked     revoked
├── TrustUnavailable               trust       closed, authority, revocation_list
├── SignatureWrong             signature   signature
├── ChallengeGone              challenge   gone
└── SubjectIncomplete          subject     the name of the field
CasRefused                     what the CAS server said no to, with its error code
CasUnavailable                 it did not answer, or not as the protocol says
"""

from typing import ClassVar

from errors import Refusal


class CardRefused(Refusal):
    """这张卡不能使用，没有任何改动。"""

    code: ClassVar[str] = "refused"
    """Stable, for logs, metrics and programs."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(code=self.code)
        self.reason = reason or self.code


class TokenMalformed(CardRefused):
    """没有读到完整的卡数据，请把卡拔出重新插好，再试一次。"""

    code: ClassVar[str] = "malformed"


class AlgorithmRefused(CardRefused):
    """这张卡使用的签名算法不受支持，请联系发卡机构换发新卡，或改用手机号和验证码登录。"""

    code: ClassVar[str] = "algorithm"


class CertificateUnfit(CardRefused):
    """卡上的这张证书不能用于登录，请确认插入的是法人卡或操作员卡。"""

    code: ClassVar[str] = "certificate"


class CertificateExpired(CardRefused):
    """卡上的证书不在有效期内，请到发卡机构办理更新后再使用。"""

    code: ClassVar[str] = "expired"


class CertificateUntrusted(CardRefused):
    """这张卡不是由系统认可的发卡机构签发的，不能使用。"""

    code: ClassVar[str] = "untrusted"


class CertificateRevoked(CardRefused):
    """这张卡已被发卡机构注销或挂失，不能使用。如有疑问请联系发卡机构。"""

    code: ClassVar[str] = "revoked"


class TrustUnavailable(CardRefused):
    """刷卡登录暂时不能使用，系统管理员正在处理。请先用手机号和验证码登录。"""

    code: ClassVar[str] = "trust"


class SignatureWrong(CardRefused):
    """卡的签名没有通过核对。请在本系统的页面上重新刷卡；多次失败请拨打 12360。"""

    code: ClassVar[str] = "signature"


class ChallengeGone(CardRefused):
    """这次刷卡已超过时限或已经用过，请重新刷卡。"""

    code: ClassVar[str] = "challenge"


class SubjectIncomplete(CardRefused):
    """卡上的企业信息不完整，不能用这张卡注册。请联系发卡机构，或选择“无卡用户”注册。"""

    code: ClassVar[str] = "subject"


class CasRefused(Refusal):
    """统一认证没有通过，请重新登录。"""

    def __init__(self, code: str) -> None:
        super().__init__(code=code)
        self.code = code


class CasUnavailable(Refusal):
    """统一认证系统暂时没有应答，请稍后再试，或用手机号和验证码登录。"""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason
