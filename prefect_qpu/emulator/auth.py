"""Who asks: API keys are exchanged for signed tokens that expire; instances are named by their CRN."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from prefect_qpu.emulator.answers import RefusedError
from prefect_qpu.errors import InputError

_HEADER = b'{"alg":"HS256","typ":"JWT"}'


@dataclass(frozen=True)
class Owner:
    """Whose a job is."""

    user: str
    instance: str


@dataclass(frozen=True)
class Instance:
    """A service instance."""

    name: str

    @property
    def crn(self) -> str:
        """The instance's cloud resource name.

        Example:
            >>> Instance("emulator").crn.split(":")[4]
            'quantum-computing'
        """
        return f"crn:v1:bluemix:public:quantum-computing:us-east:a/emulator:{uuid5(NAMESPACE_URL, self.name)}::"


@dataclass
class Gatekeeper:
    """Exchanges API keys for tokens, and tokens for users.

    Args:
        secret: Signs the tokens.
        instances: Known instances.
        keys: User of each known API key; without any, every key is a user of its own.
    """

    secret: bytes
    instances: tuple[Instance, ...]
    keys: Mapping[str, str] = field(default_factory=dict)
    revoked_before: datetime | None = None
    """Tokens that were issued earlier are refused."""

    def user_of(self, key: str) -> str:
        """The user whose API key it is.

        Raises:
            RefusedError: keys are listed, and it is not among them.
        """
        if not self.keys:
            return f"user-{hashlib.sha256(key.encode()).hexdigest()[:10]}"
        if key not in self.keys:
            raise RefusedError(400, 1201, "Provided API key could not be found.", solution="Check the API key.")
        return self.keys[key]

    def issue(self, key: str, now: datetime, life: float) -> dict[str, Any]:
        """The answer to a token request."""
        claims = {"sub": self.user_of(key), "iat": int(now.timestamp()), "exp": int(now.timestamp() + life)}
        claims["at"] = now.timestamp()
        return {
            "access_token": self._sign(claims),
            "refresh_token": "not_supported",
            "token_type": "Bearer",
            "expires_in": int(life),
            "expiration": claims["exp"],
            "scope": "ibm openid",
        }

    def owner(self, authorization: str, crn: str, now: datetime) -> Owner:
        """Who asks, by the request's headers.

        Raises:
            RefusedError: the token is missing, forged or expired, or there is no such instance.
        """
        claims = self._claims(authorization.removeprefix("Bearer "))
        revoked = self.revoked_before is not None and claims.get("at", 0) < self.revoked_before.timestamp()
        if revoked or claims.get("exp", 0) < now.timestamp():
            raise _unauthorized("The access token is expired.")
        if crn not in {instance.crn for instance in self.instances}:
            raise RefusedError(403, 1200, f"There is no instance {crn!r}.", solution="Use an instance of the list.")
        return Owner(claims["sub"], crn)

    def _sign(self, claims: Mapping[str, Any]) -> str:
        signed = f"{_encode(_HEADER)}.{_encode(json.dumps(claims).encode())}"
        return f"{signed}.{_encode(self._signature(signed))}"

    def _signature(self, signed: str) -> bytes:
        return hmac.new(self.secret, signed.encode(), "sha256").digest()

    def _claims(self, token: str) -> dict[str, Any]:
        signed, _, signature = token.rpartition(".")
        try:
            if not hmac.compare_digest(_decode(signature), self._signature(signed)):
                raise _unauthorized("The access token is not valid.")
            claims: dict[str, Any] = json.loads(_decode(signed.partition(".")[2]))
        except ValueError:
            raise _unauthorized("The access token is not valid.") from None
        return claims


def read_keys(path: Path) -> dict[str, str]:
    """Users by their API keys, from a file of lines ``user:key``.

    Raises:
        InputError: the file cannot be read, or a line has another form. No key is shown.
    """
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("keys", given=str(path), expected="a text file of lines user:key") from error
    keys = {}
    for number, line in enumerate(lines, 1):
        user, colon, key = line.partition(":")
        if line and not line.startswith("#"):
            if not (user and colon and key):
                raise InputError("keys", given=f"{path}, line {number}", expected="user:key")
            keys[key.strip()] = user.strip()
    return keys


def _unauthorized(message: str) -> RefusedError:
    return RefusedError(401, 1201, message, solution="Get a new access token.")


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
