"""How what people type reaches the service: by TLS, or in the clear."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509

from onemap.doctor.findings import Finding, State, ok
from onemap.settings import Settings
from onemap.trouble import ExitCode

SOON = timedelta(days=30)


def transport(settings: Settings) -> Finding:
    """Look at TLS: certificate files, a proxy in front, or neither."""
    if settings.tls_certificate is not None:
        return _certificate(settings)
    proxied = (settings.public_url or "").startswith("https://")
    if settings.is_loopback and proxied:
        return ok("transport", "由代理提供 HTTPS", "a proxy speaks HTTPS before the service")
    if settings.is_loopback:
        return ok(
            "transport", "只有本机能访问；若前面有 HTTPS 代理，请设 ONEMAP_PUBLIC_URL",
            "this machine alone reaches the service; behind a proxy with HTTPS set "
            "ONEMAP_PUBLIC_URL",
        )  # fmt: skip
    return Finding(
        "transport", State.ADVICE, f"在 {settings.host} 上以 HTTP 服务：口令在网络上明文传输",
        f"it serves HTTP on {settings.host}: passwords cross the network in the clear",
        "请设 ONEMAP_TLS_CERTIFICATE 和 ONEMAP_TLS_KEY，或只监听 127.0.0.1 并由代理提供 HTTPS"
        "（见 deploy/nginx.conf）",
        "Set ONEMAP_TLS_CERTIFICATE and ONEMAP_TLS_KEY, or listen on 127.0.0.1 alone behind a "
        "proxy with HTTPS (see deploy/nginx.conf)",
    )  # fmt: skip


def _certificate(settings: Settings) -> Finding:
    file = settings.tls_certificate
    assert file is not None
    try:
        until = x509.load_pem_x509_certificates(file.read_bytes())[0].not_valid_after_utc
    except (OSError, ValueError) as failed:
        return Finding(
            "transport", State.MEND, f"证书 {file} 不能读取：{failed}",
            f"the certificate {file} cannot be read: {failed}",
            "请检查 ONEMAP_TLS_CERTIFICATE 所指的 PEM 文件",
            "Check the PEM file that ONEMAP_TLS_CERTIFICATE names", ExitCode.USAGE,
        )  # fmt: skip
    left, day = until - datetime.now(UTC), until.astimezone(settings.zone).date()
    if left > SOON:
        return ok("transport", f"HTTPS，证书至 {day}", f"HTTPS, its certificate until {day}")
    over = left < timedelta(0)
    return Finding(
        "transport", State.MEND if over else State.ADVICE,
        f"证书{'已于' if over else '将于'} {day} 到期",
        f"the certificate {'ended' if over else 'ends'} on {day}",
        "请换上新的证书文件，然后重启服务", "Put a new certificate in its place and restart",
    )  # fmt: skip
