"""The server is sent nowhere inside its network, whatever a URL or a name server says."""

import asyncio
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from serving.hosts import is_global
from serving.webhooks.addresses import AddressError, checked
from serving.webhooks.sending import Message, Sender
from tests.serving.webhooks.conftest import receiving

MESSAGE = Message("msg_1", "{}", ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
BAD = {
    "no TLS": "http://shop.example.com/hook",
    "another scheme": "file:///etc/passwd",
    "no host": "https:///hook",
    "no URL": "hook",
    "a user": "https://user@shop.example.com/hook",
    "a password": "https://user:secret@shop.example.com/hook",
    "a host behind a backslash": "https://shop.example.com\\@127.0.0.1/",
    "a fragment": "https://shop.example.com/#hook",
    "a host with an escaped letter": "https://ex%61mple.com/",
    "a host with an empty label": "https://shop..example.com/",
    "an odd port": "https://shop.example.com:22/",
    "a port that is none": "https://shop.example.com:99999/",
    "loopback": "https://127.0.0.1/",
    "loopback by another address": "https://127.8.9.1/",
    "loopback by name": "https://localhost/",
    "loopback below a name": "https://shop.localhost/",
    "loopback with a dot": "https://localhost./",
    "loopback as a number": "https://2130706433/",
    "loopback as a hexadecimal number": "https://0x7f000001/",
    "loopback as octal numbers": "https://0177.0.0.1/",
    "loopback in short": "https://127.1/",
    "loopback of IPv6": "https://[::1]/",
    "loopback mapped to IPv6": "https://[::ffff:127.0.0.1]/",
    "loopback mapped to IPv6 in hexadecimal": "https://[::ffff:7f00:1]/",
    "loopback behind NAT64": "https://[64:ff9b::7f00:1]/",
    "loopback behind 6to4": "https://[2002:7f00:1::]/",
    "this host": "https://0.0.0.0/",
    "a private network": "https://10.1.2.3/",
    "link-local, where clouds keep secrets": "https://169.254.169.254/latest/meta-data",
    "a unique local address": "https://[fd00::1]/",
    "a multicast address": "https://224.0.0.1/",
    "a name of the own network": "https://intranet/",
    "an internal name": "https://db.internal/",
    "a line break": "https://shop.example.com/\r\nhost: x",
    "NUL": "https://shop.example.com/\0",
}


@pytest.mark.parametrize("url", BAD.values(), ids=BAD)
def test_a_url_that_leads_inside_is_refused(url):
    with pytest.raises(AddressError):
        checked(url, allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example.com/hook?token=1",
        "https://shop.example.com:8443/",
        "https://93.184.215.14/",
        "https://[2606:2800:21f::1]/",
        "https://bücher.example.com/",
    ],
)
def test_a_public_url_is_taken(url):
    checked(url, allow_private=False)


def test_private_addresses_are_taken_where_that_is_allowed():
    checked("http://127.0.0.1:8080/hook", allow_private=True)
    with pytest.raises(AddressError):
        checked("ftp://127.0.0.1/hook", allow_private=True)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "169.254.169.254",
     "0.0.0.0", "255.255.255.255", "224.0.0.1", "240.0.0.1", "192.0.2.1", "198.18.0.1", "::",
     "::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "fe80::1%eth0", "fec0::1",
     "fd00::1", "ff0e::1", "2001:db8::1"],
)  # fmt: skip
def test_an_address_inside_is_not_global(address):
    assert not is_global(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "64:ff9b::5db8:d70e", "2606:2800:21f::1"])
def test_a_public_address_is_global(address):
    assert is_global(address)


def send(url, addresses, **known):
    asked = []

    async def resolve(host, port):
        asked.append((host, port))
        return addresses.pop(0)

    sender = Sender(resolve=resolve, **known)
    return asyncio.run(sender.send(url, MESSAGE)), asked


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["93.184.215.14", "10.0.0.1"], ["::ffff:169.254.169.254"], ["fe80::1%eth0"]],
)
def test_a_name_of_which_one_address_is_inside_is_not_called(addresses):
    attempt, _ = send("https://shop.example.com/", [addresses])
    assert attempt.status is None
    assert "stands for an address that is not public" in attempt.error


def test_a_name_without_address_is_told(received):
    attempt, _ = send("https://shop.example.com/", [[]])
    assert attempt.error == "the name has no address"


def test_a_name_is_looked_up_once_and_that_address_is_called(received):
    # A name that stands for the receiver at first, and for another machine when asked again.
    port = received.url.rpartition(":")[2].partition("/")[0]
    attempt, asked = send(
        f"http://shop.example.com:{port}/hook", [["127.0.0.1"], ["127.9.9.9"]], allow_private=True
    )
    assert attempt.status == 204
    assert asked == [("shop.example.com", int(port))]
    ((headers, _),) = received.messages
    assert headers["host"] == f"shop.example.com:{port}"


def test_a_redirect_is_not_followed(received):
    with receiving() as inside:
        received.answers = [(301, {"Location": inside.url}), (307, {"Location": inside.url})]
        for _ in range(2):
            attempt, _ = send(received.url, [["127.0.0.1"]], allow_private=True)
            assert "redirects are not followed" in attempt.error
        assert inside.messages == []


def test_no_proxy_of_the_environment_is_asked(received, monkeypatch):
    with receiving() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        attempt, _ = send(received.url, [["127.0.0.1"]], allow_private=True)
        assert (attempt.status, len(proxy.messages)) == (204, 0)


def test_a_receiver_that_never_ends_its_headers_is_given_up(monkeypatch):
    monkeypatch.setattr("serving.webhooks.sending.PATIENCE", 0.5)

    async def scenario():
        async def drip(reader, writer):
            try:
                while True:  # Each part comes before a limit between parts would be reached.
                    writer.write(b"HTTP/1.1 200 OK\r\n" if not drip.begun else b"x-a: b\r\n")
                    drip.begun = True
                    await writer.drain()
                    await asyncio.sleep(0.05)
            except ConnectionError:
                pass
            finally:
                writer.close()

        drip.begun = False
        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        attempt = await Sender(True).send(f"http://127.0.0.1:{port}/", MESSAGE)
        server.close()
        return attempt

    assert asyncio.run(scenario()).error == "no answer within 0.5 seconds"


@pytest.fixture
def secure(tmp_path, monkeypatch):
    """A receiver with a certificate for hooks.example.com, which is trusted; names asked for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example.com")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("hooks.example.com")]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "certificate.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret = tmp_path / "key.pem"
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    names = []
    context.sni_callback = lambda _, name, __: names.append(name)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, names
        server.shutdown()


def test_the_certificate_is_that_of_the_name_and_not_of_the_address(secure):
    port, names = secure
    attempt, _ = send(f"https://hooks.example.com:{port}/", [["127.0.0.1"]], allow_private=True)
    assert (attempt.status, names) == (204, ["hooks.example.com"])


def test_who_has_no_certificate_for_the_name_is_told_nothing(secure):
    port, _ = secure
    attempt, _ = send(f"https://shop.example.com:{port}/", [["127.0.0.1"]], allow_private=True)
    assert attempt.status is None and "CERTIFICATE_VERIFY_FAILED" in attempt.error


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".example.com", "-.example.com"])
def test_a_name_that_cannot_be_looked_up_is_a_failed_attempt(host):
    attempt = asyncio.run(Sender(allow_private=True).send(f"http://{host}/", MESSAGE))
    assert attempt.error
