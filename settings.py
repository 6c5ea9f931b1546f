"""Everything an operator may set, by environment variables `QINGLING_*`; each one is explained in docs/settings.md.

Secrets that are not given are made once and kept in the data folder, so that a fresh machine needs no configuration.
"""

import os
import re
import secrets
from email.utils import parseaddr
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")
OWN_NAMES = frozenset(name.strip("[]") for name in LOOPBACK_HOSTS)  # as a parsed address has them
CAS_FACTS = ("phone", "uscc")
RELAXED_IN_DEMO: dict[str, Any] = {
    "captcha": False,
    "code_per_ip_hour": 0,
    "code_per_ip_day": 0,
    "messages_per_second": 1000,
    "sms_per_day": 0,
    "sms_per_phone_day": 0,
    "quiet_hours": "",
    "sms_night": "",
}
HOURS = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d", re.ASCII)


def split_commas(value: Any) -> Any:
    """`a, b` from the environment as `["a", "b"]`; anything else as it is."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class Settings(BaseSettings):
    """The settings of one process. `Settings()` reads the environment; tests pass values."""

    model_config = SettingsConfigDict(env_prefix="QINGLING_", frozen=True, extra="ignore")

    demo: bool = False
    data_dir: Path = Path("var")
    database_url: str | None = None
    database_pool: int = Field(default=10, ge=1)
    database_pool_overflow: int = Field(default=10, ge=0)
    statement_timeout_s: float = Field(default=5, ge=0)
    worker_statement_timeout_s: float = Field(default=300, ge=0)
    command_statement_timeout_s: float = Field(default=3600, ge=0)
    lock_timeout_s: float = Field(default=3, ge=0)
    idle_timeout_s: float = Field(default=60, ge=0)

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    public_origin: str | None = None
    allowed_hosts: Annotated[list[str], NoDecode] = []
    trusted_proxies: Annotated[list[str], NoDecode] = ["127.0.0.1"]
    web_processes: int = Field(default=1, ge=1)
    worker: bool = True
    worker_jobs: int = Field(default=4, ge=1)
    timer_interval_s: float = Field(default=5.0, gt=0)
    stop_timeout_s: int = Field(default=20, ge=0)
    metrics_token: SecretStr | None = Field(default=None, min_length=16)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "text"] = "json"

    secret_key: SecretStr | None = None
    session_idle_h: float = Field(default=8, gt=0)
    session_absolute_h: float = Field(default=7 * 24, gt=0)
    idempotency_d: int = Field(default=7, ge=1)
    audit_keep_d: int = Field(default=183, ge=0)

    captcha: bool = True
    captcha_lifetime_s: int = Field(default=300, ge=30)
    captcha_pass_s: int = Field(default=1800, ge=0)
    captcha_wait_s: int = Field(default=30, ge=1)
    captcha_waits_per_ip_hour: int = Field(default=3, ge=0)
    captcha_waits_per_day: int = Field(default=200, ge=0)
    code_lifetime_s: int = Field(default=300, ge=30)
    code_tries: int = Field(default=5, ge=1)
    code_resend_s: Annotated[list[int], NoDecode] = [60, 120, 300]
    code_per_phone_hour: int = Field(default=5, ge=0)
    code_per_phone_day: int = Field(default=10, ge=0)
    code_per_ip_hour: int = Field(default=10, ge=0)
    code_per_ip_day: int = Field(default=50, ge=0)
    code_per_day: int = Field(default=5000, ge=0)
    sign_in_failures: int = Field(default=10, ge=1)
    sign_in_lock_s: int = Field(default=900, ge=1)

    messages_per_second: float = Field(default=20, ge=1)
    sms_per_day: int = Field(default=10_000, ge=0)
    sms_per_phone_day: int = Field(default=20, ge=0)
    quiet_hours: str = "22:00-07:00"
    sms_night: str = "21:00-08:00"

    card_trust_dir: Path | None = None
    card_mapping: Path | None = None
    card_agent_port: int = Field(default=61580, ge=1, le=65535)
    cas_url: str | None = None
    cas_attributes: Annotated[list[str], NoDecode] = ["phone=phone", "uscc=uscc"]
    cas_logout: bool = True

    mail_host: str | None = None
    mail_port: int = Field(default=587, ge=1, le=65535)
    mail_tls: Literal["starttls", "tls", "none"] = "starttls"
    mail_ca_file: Path | None = None
    mail_user: str | None = None
    mail_password: SecretStr | None = None
    mail_from: str | None = None
    mail_timeout_s: float = Field(default=30, gt=0)

    sms_providers: Annotated[list[str], NoDecode] = []
    sms_templates: Path | None = None
    sms_timeout_s: float = Field(default=10, gt=0, le=60)
    sms_tencent_secret_id: SecretStr | None = None
    sms_tencent_secret_key: SecretStr | None = None
    sms_tencent_app_id: str | None = None
    sms_tencent_sign: str | None = None
    sms_tencent_region: str = "ap-guangzhou"
    sms_tencent_endpoint: str = "https://sms.tencentcloudapi.com"

    wechat_app_id: str | None = Field(default=None, pattern=r"^wx[0-9a-f]{16}$")
    wechat_secret: SecretStr | None = None
    wechat_token: SecretStr | None = Field(default=None, min_length=3, max_length=32)
    wechat_aes_key: SecretStr | None = Field(default=None, min_length=43, max_length=43)
    wechat_templates: Path | None = None
    wechat_menu: Path | None = None
    wechat_api_url: str = "https://api.weixin.qq.com"
    wechat_open_url: str = "https://open.weixin.qq.com"
    wechat_timeout_s: float = Field(default=10, gt=0)

    attachment_max_bytes: int = Field(default=10 * 1024 * 1024, ge=1)
    attachments_per_issue: int = Field(default=10, ge=0)
    request_max_bytes: int = Field(default=12 * 1024 * 1024, ge=1024)
    clamav_address: str | None = None

    @field_validator(
        "allowed_hosts", "trusted_proxies", "code_resend_s", "cas_attributes", "sms_providers", mode="before"
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        return split_commas(value)

    @field_validator("quiet_hours", "sms_night")
    @classmethod
    def _are_hours(cls, value: str) -> str:
        start, _, end = value.partition("-")
        if value and (not HOURS.fullmatch(value) or start == end):
            raise ValueError("must look like 22:00-07:00, or be empty")
        return value

    @field_validator("public_origin")
    @classmethod
    def _is_origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise ValueError("must look like https://qingling.example.cn, without a path")
        return value.rstrip("/")

    @field_validator("cas_url")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must look like https://cas.example.cn/cas")
        return value.rstrip("/")

    @field_validator("mail_from")
    @classmethod
    def _is_mailbox(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(
            r"[^@]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", parseaddr(value)[1]
        ):
            raise ValueError("must look like 企业问题清零 <qingling@example.cn>")
        return value

    @field_validator("sms_tencent_endpoint", "wechat_api_url", "wechat_open_url")
    @classmethod
    def _is_encrypted(cls, value: str) -> str:
        parts = urlsplit(value)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in OWN_NAMES)
        if not parts.hostname or not is_safe or parts.query or parts.fragment:
            raise ValueError("must look like https://api.example.cn; http for this machine only")
        return value.rstrip("/")

    @field_validator("sms_tencent_endpoint")
    @classmethod
    def _has_no_path(cls, value: str) -> str:
        if urlsplit(value).path:
            raise ValueError("must look like https://sms.tencentcloudapi.com, without a path")
        return value

    @field_validator("wechat_aes_key")
    @classmethod
    def _is_aes_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9]{43}", value.get_secret_value()):
            raise ValueError("must be 43 letters and digits")
        return value

    @field_validator("cas_attributes")
    @classmethod
    def _are_pairs(cls, value: list[str]) -> list[str]:
        pairs = [pair.partition("=") for pair in value]
        if not all(name in CAS_FACTS and attribute for name, _, attribute in pairs):
            raise ValueError(f"must be pairs like phone=mobile, of {', '.join(CAS_FACTS)}")
        if "phone" not in {name for name, _, _ in pairs}:
            raise ValueError("must say which attribute is the phone")
        return value

    @model_validator(mode="before")
    @classmethod
    def _relax_in_demo(cls, values: dict[str, Any]) -> dict[str, Any]:
        demo = str(values.get("demo", "")).lower() in ("1", "true", "yes", "on", "t", "y")
        return {**RELAXED_IN_DEMO, **values} if demo else values

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.session_idle_h > self.session_absolute_h:
            raise ValueError("session_idle_h is longer than session_absolute_h")
        if self.attachment_max_bytes > self.request_max_bytes:
            raise ValueError("attachment_max_bytes is larger than request_max_bytes")
        if (self.wechat_app_id is None) != (self.wechat_secret is None):
            raise ValueError("wechat_app_id and wechat_secret belong together")
        if (self.wechat_token or self.wechat_aes_key) and not (self.wechat_app_id and self.wechat_token):
            raise ValueError("wechat_token needs wechat_app_id, and wechat_aes_key needs both")
        if self.mail_host and not self.mail_from:
            raise ValueError("mail_host without mail_from")
        if (self.mail_user is None) != (self.mail_password is None):
            raise ValueError("mail_user and mail_password belong together")
        if self.mail_tls == "none" and self.mail_host not in (None, *OWN_NAMES):
            raise ValueError("mail_tls = none sends mail in clear: to this machine only")
        return self

    @property
    def origin(self) -> str:
        """Where people reach this server, as `scheme://host[:port]`."""
        if self.public_origin:
            return self.public_origin
        return (
            f"http://{self.host}:{self.port}" if ":" not in self.host else f"http://[{self.host}]:{self.port}"
        )

    @property
    def hosts(self) -> frozenset[str]:
        """The names a request's Host may carry (port left out, lower case); every other one is refused."""
        named = [self.host, urlsplit(self.origin).hostname or "", *self.allowed_hosts, *LOOPBACK_HOSTS]
        return frozenset(name.lower() for name in named if name)

    @property
    def is_https(self) -> bool:
        """Whether people come over https: cookies are then marked Secure."""
        return self.origin.startswith("https:")

    @property
    def demo_cards_dir(self) -> Path:
        """Where the demo's cards and the authority that issued them lie."""
        return self.data_dir / "demo-cards"

    @property
    def card_trust_folder(self) -> Path | None:
        """Whose cards are let in: the operator's folder, in demo mode the demo's own; None where cards are not used."""
        if self.card_trust_dir is not None:
            return self.card_trust_dir
        return self.demo_cards_dir / "trust" if self.demo else None

    @property
    def cas_names(self) -> dict[str, str]:
        """Which attribute of CAS is the phone, and which the uscc."""
        return dict(pair.split("=", 1) for pair in self.cas_attributes)

    @property
    def attachments_dir(self) -> Path:
        """Where uploaded files lie."""
        return self.data_dir / "attachments"

    @cached_property
    def pepper(self) -> bytes:
        """The server's secret: given as QINGLING_SECRET_KEY, or made once and kept in the data folder."""
        if self.secret_key is not None:
            return self.secret_key.get_secret_value().encode()
        return keep_secret(self.data_dir / "secret.key")


def keep_secret(path: Path) -> bytes:
    """The secret in this file; made when it is missing, the same one for all who ask at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    if not path.exists():
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)  # fails when another process was first: then its secret counts
        except FileExistsError:
            return path.read_bytes()
        finally:
            fresh.unlink()
    return path.read_bytes()
