"""Fake secrets, made when a test runs: no string of such a shape may stand in a file of the repository."""

import base64
import json
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass

LOWER, DIGITS = string.ascii_lowercase, string.digits
ALNUM = string.ascii_letters + DIGITS
UPPER = string.ascii_uppercase + DIGITS
SMALL = LOWER + DIGITS
HEX = DIGITS + "abcdef"
URL = ALNUM + "_-"
BASE64 = ALNUM + "+/"
BASE32 = string.ascii_uppercase + "234567"

Part = str | tuple[str, int]


@dataclass(frozen=True)
class Shape:
    """How a provider's secret looks: fixed parts, and random ones as an alphabet and a length."""

    name: str
    parts: tuple[Part, ...]
    before: str = ""
    """What gives the secret away where its own shape does not."""
    after: str = ""

    def make(self, dice: random.Random) -> str:
        """Throw a secret of this shape; like a real one it has a digit and no sign at its ends."""
        return "".join(part if isinstance(part, str) else _thrown(dice, *part) for part in self.parts)

    def line(self, secret: str) -> str:
        """Put the secret where one would meet it."""
        return f"{self.before or 'the value was '}{secret}{self.after or ' in the log'}"


def _thrown(dice: random.Random, alphabet: str, length: int) -> str:
    ends = "".join(char for char in alphabet if char.isalnum())
    inner = "".join(dice.choices(alphabet, k=length - 2))
    return dice.choice(ends) + inner + dice.choice(DIGITS if set(DIGITS) <= set(alphabet) else ends)


def _shape(name: str, *parts: Part, before: str = "", after: str = "") -> Shape:
    return Shape(name, parts, before, after)


SHAPES = (
    *(_shape(f"aws-{prefix}", prefix, (BASE32, 16)) for prefix in ("AKIA", "ASIA", "AROA")),
    _shape("aws-secret", (BASE64, 40), before="aws_secret_access_key = ", after="\n"),
    *(_shape(f"github-{letter}", f"gh{letter}_", (ALNUM, 36)) for letter in "pousr"),
    _shape("github-fine", "github_pat_", (ALNUM, 22), "_", (ALNUM, 59)),
    _shape("gitlab", "glpat-", (URL, 20)),
    _shape("gitlab-deploy", "gldt-", (URL, 20)),
    _shape("gitlab-runner", "glrt-", (URL, 20)),
    *(_shape(f"slack-{letter}", f"xox{letter}-", (DIGITS, 12), "-", (DIGITS, 13), "-", (ALNUM, 24)) for letter in "bp"),
    _shape("slack-app", "xapp-1-", (UPPER, 11), "-", (DIGITS, 13), "-", (HEX, 64)),
    _shape("slack-webhook", "https://hooks.slack.com/services/T", (UPPER, 8), "/B", (UPPER, 8), "/", (ALNUM, 24)),
    *(_shape(f"stripe-{word}", f"{word}_live_", (ALNUM, 24)) for word in ("sk", "rk")),
    _shape("stripe-webhook", "whsec_", (ALNUM, 32)),
    _shape("google-api", "AIza", (URL, 35)),
    _shape("google-oauth", "GOCSPX-", (URL, 28)),
    _shape("google-access", "ya29.", (URL, 120)),
    _shape("openai", "sk-", (ALNUM, 20), "T3Blbk", "FJ", (ALNUM, 20)),
    _shape("openai-project", "sk-proj-", (URL, 74), "T3Blbk", "FJ", (URL, 74)),
    _shape("openai-made-up", "sk-proj-", (ALNUM, 20)),
    _shape("openai-service", "sk-svcacct-", (URL, 60)),
    _shape("openai-admin", "sk-admin-", (URL, 60)),
    _shape("anthropic", "sk-ant-api03-", (URL, 93), "AA"),
    _shape("openrouter", "sk-or-v1-", (HEX, 64)),
    _shape("huggingface", "hf_", (string.ascii_letters, 34)),
    _shape("npm", "npm_", (ALNUM, 36)),
    _shape("pypi", "pypi-AgEIcHlwaS5vcmc", (URL, 150)),
    _shape("sendgrid", "SG.", (URL, 22), ".", (URL, 43)),
    _shape("twilio", "SK", (HEX, 32)),
    _shape("mailgun", "key-", (HEX, 32)),
    _shape("mailchimp", (HEX, 32), "-us", (DIGITS, 2)),
    _shape("discord-bot", "MT", (ALNUM, 24), ".", (URL, 6), ".", (URL, 38)),
    _shape("discord-webhook", "https://discord.com/api/webhooks/", (DIGITS, 19), "/", (URL, 68)),
    _shape("telegram", (DIGITS, 10), ":AA", (URL, 33)),
    _shape("square", "sq0atp-", (URL, 22)),
    _shape("square-access", "EAAA", (URL, 60)),
    _shape("shopify", "shpat_", (HEX, 32)),
    _shape("digitalocean", "dop_v1_", (HEX, 64)),
    _shape("databricks", "dapi", (HEX, 32)),
    _shape("azure-storage", (BASE64, 86), "==", before="AccountName=a;AccountKey=", after=";EndpointSuffix=core"),
    _shape("azure-bus", (BASE64, 43), "=", before="SharedAccessKeyName=root;SharedAccessKey=", after='"'),
    _shape(
        "azure-sas", (ALNUM, 20), "%2B", (ALNUM, 20), "%3D", before="https://a.blob.core/x?sv=2024&sig=", after="\n"
    ),
    _shape("azure-client", (ALNUM, 3), "8Q~", (ALNUM, 34)),
    _shape("cloudflare", (URL, 40), before='CLOUDFLARE_API_TOKEN="', after='"'),
    _shape("cloudflare-origin", "v1.0-", (HEX, 24), "-", (HEX, 146)),
    _shape("linear", "lin_api_", (ALNUM, 40)),
    _shape("notion", "ntn_", (ALNUM, 46)),
    _shape("notion-old", "secret_", (ALNUM, 43)),
    _shape("postman", "PMAK-", (HEX, 24), "-", (HEX, 34)),
    _shape("doppler", "dp.pt.", (ALNUM, 43)),
    _shape("vault", "hvs.", (URL, 90)),
    _shape("terraform", (ALNUM, 14), ".atlasv1.", (URL, 67)),
    _shape("atlassian", "ATATT3xFfGF0", (URL, 180)),
    _shape("airtable", "pat", (ALNUM, 14), ".", (HEX, 64)),
    _shape("figma", "figd_", (URL, 40)),
    _shape("sentry", "sntryu_", (HEX, 64)),
    _shape("newrelic", "NRAK-", (UPPER, 27)),
    _shape("datadog", (HEX, 32), before="DD_API_KEY=", after="\n"),
    _shape("grafana", "glsa_", (ALNUM, 32), "_", (HEX, 8)),
    _shape("grafana-cloud", "glc_", (BASE64, 100)),
    _shape("artifactory", "AKCp", (ALNUM, 69)),
    _shape("docker", "dckr_pat_", (URL, 27)),
    _shape("groq", "gsk_", (ALNUM, 52)),
    _shape("replicate", "r8_", (ALNUM, 37)),
    _shape("perplexity", "pplx-", (ALNUM, 48)),
    _shape("xai", "xai-", (ALNUM, 80)),
    _shape("fireworks", "fw_", (ALNUM, 24)),
    _shape("langfuse", "sk-lf-", (HEX, 8), "-", (HEX, 4), "-", (HEX, 4), "-", (HEX, 4), "-", (HEX, 12)),
    _shape("langsmith", "lsv2_pt_", (HEX, 32), "_", (HEX, 10)),
    _shape("wandb", (HEX, 40), before="export WANDB_API_KEY=", after="\n"),
    _shape("rubygems", "rubygems_", (HEX, 48)),
    _shape("supabase", "sbp_", (HEX, 40)),
    _shape("planetscale", "pscale_tkn_", (URL, 43)),
    _shape("age", "AGE-SECRET-KEY-1", (UPPER, 58)),
    _shape("pulumi", "pul-", (HEX, 40)),
    _shape("fly", "fo1_", (URL, 43)),
    _shape("jwt", "eyJ", (URL, 33), ".eyJ", (URL, 120), ".", (URL, 43)),
    _shape("bearer", (ALNUM, 40), before="-H 'Authorization: Bearer ", after="'"),
    _shape("basic", (BASE64, 28), before='"Authorization": "Basic ', after='"'),
    _shape("cookie", (SMALL, 32), before="Cookie: theme=dark; sessionid=", after="; path=/"),
    _shape("url", (ALNUM, 20), before="postgresql://app:", after="@db.internal:5432/app"),
    _shape("yaml", (ALNUM, 20), before="database:\n  password: ", after="\n  port: 5432"),
    _shape("json", (ALNUM, 24), before='{"api_key": "', after='"}'),
    _shape("option", (ALNUM, 20), before="deploy --password ", after=" --force"),
)
"""More than eighty shapes; those with a `before` are known by it."""


def private_key(dice: random.Random, name: str = "RSA ") -> str:
    """Throw a private key as a block of text."""
    body = base64.b64encode(dice.randbytes(600)).decode()
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    mark = f"{name}PRIVATE KEY"
    return "\n".join([f"-----BEGIN {mark}-----", *lines, f"-----END {mark}-----"])


def escaped(text: str) -> str:
    """Quote a text as it stands in JSON that was itself quoted in a text."""
    return json.dumps({"output": f"first line\n{text}\nlast"})


BREAKS = ("\n", "\r\n", "\n    ", "\\\n", "\\n", '"\n    "')


def split(shape: Shape, secret: str) -> Iterator[str]:
    """Break the line in the secret, at each position from the third character, each time in another of the ways."""
    for at in range(3, len(secret)):
        yield shape.line(secret[:at] + BREAKS[at % len(BREAKS)] + secret[at:])


def remains(secret: str, text: str, size: int = 12) -> bool:
    """Tell whether a part of the secret is left that is long enough to be of use."""
    size = min(size, len(secret))
    parts = (secret[at : at + size] for at in range(len(secret) - size + 1))
    return any(part in text for part in parts if not part.startswith(("https://", "discord.com", "hooks.slack")))
