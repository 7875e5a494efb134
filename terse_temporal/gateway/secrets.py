"""The secrets that signatures are checked with.

They come from the environment alone, are read once, and are shown nowhere: neither by `repr` nor in an error. Each is a
list separated by commas, so that a secret can be replaced without a moment at which deliveries are refused: put the new
one beside the old one, change it at the vendor, and take the old one away.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..diagnostics.redaction import name_secret_variable
from ..errors import GatewaySecretError
from ..inputs.links import GATEWAY_KEY, SHORTEST_KEY
from ..triggers.webhook import WebhookTrigger

__all__ = [
    "GATEWAY_KEY",
    "MAKE_KEY",
    "MAKE_STANDARD",
    "OPERATOR_TOKEN",
    "VENDOR_SECRETS",
    "WEBHOOK_SECRET",
    "GatewaySecrets",
    "decode_standard",
    "operator_parts",
]

#: The variable of each vendor's secret.
VENDOR_SECRETS: Final[Mapping[str, str]] = {
    "github": "GITHUB_WEBHOOK_SECRET",
    "stripe": "STRIPE_WEBHOOK_SECRET",
    "slack": "SLACK_SIGNING_SECRET",
    "linear": "LINEAR_WEBHOOK_SECRET",
}

#: That of `Triggers.webhook.on_request`, which may name another.
WEBHOOK_SECRET: Final = "TERSE_WEBHOOK_SECRET"

#: That of the tokens of operators, each perhaps with a name in front: `ada:the-token`.
OPERATOR_TOKEN: Final = "TERSE_OPERATOR_TOKEN"

#: What makes a key that is good enough.
MAKE_KEY: Final = "python -c 'import secrets; print(secrets.token_urlsafe(32))'"

MAKE_STANDARD: Final = (
    "python -c 'import base64, secrets; print(\"whsec_\" + base64.b64encode(secrets.token_bytes(32)).decode())'"
)

#: How what people copy instead begins: keys of the vendors' APIs, which sign nothing.
_API_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "GITHUB_WEBHOOK_SECRET": ("ghp_", "gho_", "ghs_", "github_pat_"),
    "STRIPE_WEBHOOK_SECRET": ("sk_test_", "sk_live_", "rk_test_", "rk_live_", "pk_test_", "pk_live_"),
    "SLACK_SIGNING_SECRET": ("xoxb-", "xoxp-", "xapp-"),
    "LINEAR_WEBHOOK_SECRET": ("lin_api_", "lin_oauth_"),
}

#: Secrets of one variable: the body of a request is hashed with each, whoever sent it.
_MOST: Final = 4

#: Operators, who are compared and never hashed together with a body.
_MOST_OPERATORS: Final = 100

#: Characters of a secret, below which it is said that it can be guessed. Vendors make 32 and more, but GitHub and
#: Linear let people choose one; a key has twice as many (`SHORTEST_KEY`), for it is always ours to make, and whoever
#: knows one address may try keys at leisure.
_SHORTEST: Final = 8

#: Those that are ours to make.
_KEYS: Final = (GATEWAY_KEY, OPERATOR_TOKEN)
_LONGEST: Final = 1_000

#: Characters of the name of an operator, who answers under it.
_LONGEST_NAME: Final = 200

#: Bytes of a secret of Standard Webhooks, which asks for 24 to 64. Some senders make longer ones.
_SHORTEST_STANDARD: Final = 16

_PREFIX: Final = "whsec_"


class GatewaySecrets:
    """Secrets as they were when the process began. Made by `read`."""

    def __init__(self, texts: Mapping[str, tuple[str, ...]]) -> None:
        self._texts = dict(texts)
        #: A sentence for each variable with a secret that is short enough to be guessed: to be said at the start. It is
        #: taken all the same, since refusing it would refuse all that the vendor delivers.
        self.weak = {variable: problem for variable, found in texts.items() if (problem := _weakness(variable, found))}
        #: Those of Standard Webhooks, decoded.
        self._decoded: dict[str, tuple[bytes, ...]] = {}

    @classmethod
    def read(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        triggers: Iterable[WebhookTrigger[Any]] = (),
    ) -> GatewaySecrets:
        """Read them all from the environment.

        Args:
            environ: another environment, for tests.
            triggers: which may name further variables.

        Raises:
            GatewaySecretError: one is malformed. The message names the variable, never what it holds.
        """
        found = os.environ if environ is None else environ
        own = [(each.secret, each.scheme) for each in triggers if each.secret is not None]
        texts = {}
        for variable in {*VENDOR_SECRETS.values(), WEBHOOK_SECRET, *_KEYS, *(secret for secret, _ in own)}:
            if environ is None:
                name_secret_variable(variable)
            if values := _split(variable, found.get(variable, "")):
                texts[variable] = values
        secrets = cls(texts)
        for variable in {WEBHOOK_SECRET, *(secret for secret, scheme in own if scheme == "standard")}:
            decoded = tuple(decode_standard(variable, text) for text in texts.get(variable, ()))
            secrets._decoded[variable] = decoded
            if decoded and (shortest := min(map(len, decoded))) < _SHORTEST_STANDARD:
                secrets.weak[variable] = _guessable(variable, shortest, "bytes", _SHORTEST_STANDARD, standard=True)
        return secrets

    @property
    def gateway_keys(self) -> tuple[bytes, ...]:
        """The keys of addresses and links; none if they are not set."""
        return self.keys(GATEWAY_KEY)

    def has(self, variable: str) -> bool:
        """Return whether there is a secret in a variable."""
        return variable in self._texts

    def keys(self, variable: str) -> tuple[bytes, ...]:
        """Return the secrets as bytes, in the order in which they are listed; none if it is not set."""
        return tuple(text.encode() for text in self._texts.get(variable, ()))

    def standard_keys(self, variable: str) -> tuple[bytes, ...]:
        """Return the same for Standard Webhooks: the bytes that stand in base64 behind `whsec_`."""
        return self._decoded.get(variable, ())

    @property
    def operators(self) -> tuple[tuple[str, str], ...]:
        """The name and the token of each operator; the name is empty where none is said."""
        return tuple(map(operator_parts, self._texts.get(OPERATOR_TOKEN, ())))

    def __repr__(self) -> str:
        return f"<GatewaySecrets in {', '.join(sorted(self._texts)) or 'no variable'}>"


def operator_parts(text: str) -> tuple[str, str]:
    """Return the name and the token of `name:token`; of what has no colon an empty name."""
    name, colon, token = text.partition(":")
    return (name.strip(), token.strip()) if colon else ("", text)


def _split(variable: str, value: str) -> tuple[str, ...]:
    if not value.strip():
        return ()
    most = _MOST_OPERATORS if variable == OPERATOR_TOKEN else _MOST
    texts = tuple(each.strip() for each in value.split(","))
    if "" in texts:
        problem = "has an empty part: secrets are separated by one comma, and none has a comma in it"
    elif len(texts) > most:
        problem = f"holds {len(texts)} secrets, of which at most {most} can be valid at once"
    elif not all(map(str.isprintable, texts)):
        problem = "has a character in it that no secret has: a line break, a control character, or no UTF-8"
    elif max(map(len, texts)) > _LONGEST:
        problem = f"holds a secret of {max(map(len, texts)):,} characters, where {_LONGEST:,} are the most"
    elif variable == OPERATOR_TOKEN and (found := _wrong_operators(texts)):
        problem = found
    elif any(each.startswith(_API_KEYS.get(variable, ())) for each in texts):
        problem = "holds a key of the vendor's API, where the secret belongs that the webhook is signed with"
    else:
        return texts
    raise GatewaySecretError(f"{variable} {problem}. {_advice(variable)}", variable=variable)


def _wrong_operators(texts: tuple[str, ...]) -> str:
    """Return what is wrong with the names and tokens of operators; an empty string if nothing is."""
    parts = [operator_parts(each) for each in texts]
    if any(not token or (not name and ":" in text) for (name, token), text in zip(parts, texts, strict=True)):
        return "has a name without a token, or a token without its name: each is a token, or name:token"
    if any(len(name) > _LONGEST_NAME for name, _ in parts):
        return f"has a name of more than {_LONGEST_NAME} characters"
    if len({token for _, token in parts}) < len(parts):
        return "holds one token twice, so that nobody knows whose it is"
    return ""


def _weakness(variable: str, texts: tuple[str, ...]) -> str | None:
    least = SHORTEST_KEY if variable in _KEYS else _SHORTEST
    secrets = [operator_parts(each)[1] for each in texts] if variable == OPERATOR_TOKEN else texts
    shortest = min(map(len, secrets))
    return _guessable(variable, shortest, "characters", least) if shortest < least else None


def _guessable(variable: str, shortest: int, unit: str, least: int, *, standard: bool = False) -> str:
    problem = f"{variable} holds a secret of {shortest} {unit}, and one of fewer than {least} can be guessed"
    return f"{problem}. {_advice(variable, standard=standard)}"


def decode_standard(variable: str, text: str) -> bytes:
    """Return the bytes of one secret of Standard Webhooks.

    Raises:
        GatewaySecretError: it is malformed, or empty.
    """
    problem = ""
    encoded = text.removeprefix(_PREFIX)
    key = b""
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        problem = f"is not base64 behind {_PREFIX}"
    if encoded == text:
        problem = f"does not begin with {_PREFIX}"
    elif not problem and not key:
        problem = f"has nothing behind {_PREFIX}"
    if problem:
        raise GatewaySecretError(f"{variable} {problem}. {_advice(variable, standard=True)}", variable=variable)
    return key


def _advice(variable: str, *, standard: bool = False) -> str:
    if standard or variable == WEBHOOK_SECRET:
        return f"A secret of Standard Webhooks is {_PREFIX} and base64; this makes one: {MAKE_STANDARD}"
    if variable in _KEYS:
        return f"This makes a {'key' if variable == GATEWAY_KEY else 'token'}: {MAKE_KEY}"
    return (
        f"Copy the secret from where the sender shows it; if you choose it yourself, this makes a good one: {MAKE_KEY}"
    )
