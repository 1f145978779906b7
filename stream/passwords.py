"""The one place that knows what may be shown of an address: in messages, events, metrics, titles and file names."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from urllib.parse import unquote

HIDDEN = "***"
SHORTEST_HIDDEN = 4
"""Letters; a shorter value would take parts out of other words."""

_WORDS = r"pas|pwd|psw|pw|token|secret|key|auth|sig|cred|jwt|hmac|hdn|hash|md5|session|ticket|policy"
_SHORT_WORDS = r"(?<![a-z0-9])(?:sid|pin|otp|sk|ak)"
_NAME = r"[\w.%\[\]$-]"
_NEXT = rf"(?:[&;?,~!\s]+{_NAME}+=|[_/#][a-z0-9]+=)"
"""Where the next value begins; what is not followed by a name and `=` may belong to the password."""
_NAMED = re.compile(rf"(?is)({_NAME}*(?:{_WORDS}){_NAME}*=|{_SHORT_WORDS}=)(.*?)(?={_NEXT}|$)")
_PAIR = re.compile(r"(?is)(?<=[?&;/])((?:u|usr|user|name|login|id)=[^&;?#/]*[&;]p=)(.*?)" + f"(?={_NEXT}|$)")
"""`u=admin&p=...`: a `p` alone may be a page."""
_PAIR_BACK = re.compile(r"(?is)(?<=[?&;/])(p=)([^&;?#/]*)(?=[&;](?:[^?#]*[&;])?(?:u|usr|user|name|login)=)")
"""The same the other way round."""
_COLON = re.compile(rf"(?i)(?<=[/?&;])([a-z][\w.%-]*):(?!/|\*|\d{{1,2}}(?:[/?&;#]|$))[^/?&;#]+|(?<=[?&;])((?:{_WORDS})\w*):(?!\*)[^/?&;#]+")
"""`/admin:password/` and `?pass:word`, as some cameras have them."""
_FOLDER = re.compile(
    r"(?i)(/(?:[a-z]+[_-])?(?:password|passwd|pass|pwd|token|secret|(?:api)?key|auth|sig|signature|jwt|session|sid|ticket)/)[^/?#&]+"
)
"""`/token/abc/`: a part of the path that says what the next one is."""
_INNER = re.compile(r"(?<=[/=])([^/=:@?&\s]*):(?!//)[^@\s]+@")
"""A user and a password in front of another host, as addresses inside addresses have them."""
_ACCOUNT = re.compile(r"^(/(?:live|movie|series)/|/)[^/?#]+/[^/?#]+/(?=\d+(?:\.(?:ts|m3u8|mp4|mkv|avi))?(?:$|[?#]))")
"""`/live/user/password/17.ts` and `/user/password/17`, as the servers of television have it over http."""
_JWT = re.compile(r"\beyJ[\w-]{5,}(?:\.[\w-]+)*")
_RUN = re.compile(r"[A-Za-z0-9_-]{16,}")
_MIXED = 0.4
"""Share of neighbours of another kind (capital, small letter, digit) from which a long word is a token: 0.6 in random letters and digits,
under 0.35 in names of files and streams that were looked at."""
_HOST = re.compile(r"\[[0-9A-Fa-f:.%\w]*\](?::\d*)?")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]+")
_PUNCTUATION = ".,:;)]}"


_hidden: set[str] = set()


def hide(value: str) -> None:
    """From here on it is shown nowhere: somebody took the trouble to keep it out of an address."""
    if len(value) >= SHORTEST_HIDDEN:
        _hidden.add(value)


def redact(address: str) -> str:
    """The address without its passwords and tokens. What is no network address comes back as it is."""
    if "://" not in address:
        return address
    address = _without_hidden(address)
    shown = _redacted(address)
    while (plain := unquote(shown)) != shown and (hidden := _redacted(plain)) != plain:  # `%40` may hide what must not be seen
        shown = hidden
    return shown


def redact_in(text: str) -> str:
    """A text, with each address in it as `redact` shows it."""

    def shown(found: re.Match[str]) -> str:
        address = found[0].rstrip(_PUNCTUATION)
        return redact(address) + found[0][len(address) :]

    text = _without_hidden(text)
    return _ADDRESS.sub(shown, text) if "://" in text else text


def redact_mistyped(name: str) -> str:
    """The name of a file that is not there: perhaps an address with a slash too few, and a password in it."""
    return redact(name) if "://" in name else re.sub(r"^([^@\s]*?[\w.-]+):(?!/)[^@]+@", rf"\1:{HIDDEN}@", _NAMED.sub(rf"\1{HIDDEN}", name))


def _without_hidden(text: str) -> str:
    for value in _hidden:
        text = text.replace(value, HIDDEN)
    return text


def _redacted(address: str) -> str:
    scheme, _, rest = address.partition("://")
    end = _end_of_user(rest)
    user = re.split(r"[:;|]", rest[:end], maxsplit=1)[0]
    user = _without_tokens(user) + (f":{HIDDEN}" if len(user) < end else "")
    host, path = _parted(rest[end:])
    if scheme.lower().startswith("http"):
        path = _ACCOUNT.sub(rf"\1{HIDDEN}/{HIDDEN}/", path)
    path = _INNER.sub(rf"\1:{HIDDEN}@", path)
    path = _COLON.sub(lambda found: f"{found[1] or found[2]}:{HIDDEN}", path)
    path = _PAIR_BACK.sub(rf"\1{HIDDEN}", path)
    path = _PAIR.sub(rf"\1{HIDDEN}", path)
    path = _FOLDER.sub(rf"\1{HIDDEN}", path)
    shown = _NAMED.sub(rf"\1{HIDDEN}", f"{scheme}://{user}{host}{path}")
    begin = len(shown) - len(_parted(shown.partition("://")[2])[1])
    return shown[:begin] + _without_tokens(shown[begin:])


def _end_of_user(rest: str) -> int:
    """Where user name and password end; 0 where there are none. In a password may stand what should be written `%2F`."""
    authority, path = _parted(rest)
    if "@" in authority:
        before_query = re.split(r"\?[\w.%-]+=", rest, maxsplit=1)[0]  # `?mail=a@b` is no password
        return max(before_query.rfind("@"), authority.rindex("@"))
    name, colon, port = authority.rpartition(":")
    if "@" not in path or not colon or _HOST.fullmatch(authority):
        return 0
    is_port = not port or port.isdecimal()
    after = re.split(r"[/?#:]", rest.rpartition("@")[2], maxsplit=1)[0]
    if is_port and port and ("." in name or name == "localhost" or after.isdecimal()):
        return 0  # a host and its port, and an @ in the path
    return rest.rindex("@")


def _parted(rest: str) -> tuple[str, str]:
    """Before and from the first character that ends a host."""
    end = re.search(r"[/?#]", rest)
    return (rest, "") if end is None else (rest[: end.start()], rest[end.start() :])


def _without_tokens(text: str) -> str:
    return _RUN.sub(lambda found: HIDDEN if _is_token(found[0]) else found[0], _JWT.sub(HIDDEN, text))


def _is_token(word: str) -> bool:
    kinds = [_kind(letter) for letter in word]
    if re.fullmatch(r"(?i)[0-9a-f-]{24,}", word):
        return "small" in kinds or "capital" in kinds
    return kinds.count("digit") > 1 and sum(_changes(kinds)) >= _MIXED * (len(word) - 1)


def _changes(kinds: list[str]) -> Iterator[bool]:
    return (a != b for a, b in itertools.pairwise(kinds) if a and b)


def _kind(letter: str) -> str:
    return "digit" if letter.isdecimal() else "capital" if letter.isupper() else "small" if letter.islower() else ""
