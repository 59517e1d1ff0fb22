"""The table of tokens that can be told by their shape. A new kind is one row.

A row is: the name that its placeholder carries, the literals of which one must
be present (none: it is always searched), and the pattern. Patterns match bytes of text whose lines are
joined (`page.py`), so they hold no word boundary: `tokens.py` checks both ends
where it knows the line breaks. A body without an upper bound must end its
pattern; anything followed by more needs one, or the search would not be linear.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One shape of token."""

    name: str
    literals: tuple[bytes, ...]
    pattern: re.Pattern[bytes]
    inside: bool = False
    """The literals stand somewhere in the token; else the token starts with one of them."""


def _kind(name: str, literals: str, pattern: str, *, inside: bool = False) -> Kind:
    return Kind(name, tuple(literals.encode().split()), re.compile(pattern.encode()), inside)


KINDS = (
    # clouds and hosts
    _kind(
        "aws-key",
        "AKIA ASIA AROA AIDA AGPA AIPA ANPA ANVA APKA ABIA ACCA A3T",
        r"(?:A3T[A-Z0-9]|A[A-Z]{2}A)[A-Z0-9]{16}",
    ),
    _kind("aws-bedrock-key", "ABSK", r"ABSK[A-Za-z0-9+/=]{60,}"),
    _kind("alibaba-key", "LTAI", r"LTAI[A-Za-z0-9]{20}"),
    _kind("tencent-key", "AKID", r"AKID[A-Za-z0-9]{32}"),
    _kind("azure-secret", "Q~", r"[\w~.]{3}[0-9]Q~[\w~.-]{31,34}", inside=True),
    _kind("azure-sas", "sig=", r"sig=[A-Za-z0-9%/+]{32,}"),
    _kind("google-key", "AIza", r"AIza[\w-]{35}"),
    _kind("google-oauth", "GOCSPX- ya29. 1//0", r"GOCSPX-[\w-]{28}|ya29\.[\w-]{20,}|1//0[\w-]{40,}"),
    _kind("digitalocean-token", "doo_v1_ dop_v1_ dor_v1_", r"do[opr]_v1_[0-9a-f]{64}"),
    _kind("heroku-key", "HRKU-", r"HRKU-[\w-]{36,}"),
    _kind("fly-token", "fo1_ fm1 fm2_", r"fo1_[\w-]{43}|fm(?:1[ar]|2)_[A-Za-z0-9+/=,]{60,}"),
    _kind("cloudflare-key", "v1.0-", r"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}"),
    _kind("netlify-token", "nfp_", r"nfp_[A-Za-z0-9]{36,}"),
    _kind("scaleway-key", "SCW", r"SCW[A-Z0-9]{17}"),
    # code
    _kind("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{30,}"),
    _kind("github-token", "github_pat_", r"github_pat_[A-Za-z0-9_]{22,}"),
    _kind(
        "gitlab-token",
        "glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- glsoat- gloas- glffct-",
        r"gl[a-z]{2,5}-(?:t[0-9]_)?[\w-]{20,}(?:\.[0-9a-z]{2}\.?[0-9a-z]{7})?",
    ),
    _kind("gitlab-token", "GR1348941", r"GR1348941[\w-]{20}"),
    _kind("bitbucket-token", "ATBB", r"ATBB[A-Za-z0-9]{28,}"),
    _kind("atlassian-token", "ATATT3 ATCTT3", r"AT[AC]TT3[\w=-]{60,}"),
    _kind("npm-token", "npm_", r"npm_[A-Za-z0-9]{36}"),
    _kind("pypi-token", "pypi-", r"pypi-Ag[\w-]{40,}"),
    _kind("rubygems-key", "rubygems_", r"rubygems_[0-9a-f]{48}"),
    _kind("docker-token", "dckr_", r"dckr_(?:pat|oat)_[\w-]{20,}"),
    _kind("artifactory-key", "AKCp cmVmd", r"AKCp[A-Za-z0-9]{60,}|cmVmd[A-Za-z0-9]{59}"),
    _kind("buildkite-token", "bkua_", r"bkua_[0-9a-f]{40}"),
    _kind("sourcegraph-token", "sgp_", r"sgp_(?:[0-9a-f]{16}_|local_)?[0-9a-f]{40}"),
    _kind("pulumi-token", "pul-", r"pul-[0-9a-f]{40}"),
    _kind("terraform-token", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,}", inside=True),
    _kind("vault-token", "hvs. hvb. hvr.", r"hv[sbr]\.[\w-]{24,}"),
    _kind("doppler-token", "dp.", r"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{1,40}\.)?[A-Za-z0-9]{40,44}"),
    _kind("age-key", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    _kind("onepassword-token", "ops_eyJ", r"ops_eyJ[\w+/=-]{100,}"),
    _kind("onepassword-key", "A3-", r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}"),
    # models
    _kind("anthropic-key", "sk-ant-", r"sk-ant-[\w-]{16,}"),
    _kind("openrouter-key", "sk-or-", r"sk-or-[\w-]{20,}"),
    _kind("langfuse-key", "sk-lf- pk-lf-", r"[sp]k-lf-[\w-]{20,}"),
    _kind("openai-key", "sk-proj- sk-svcacct- sk-admin- sk-None-", r"sk-(?:proj|svcacct|admin|None)-[\w-]{16,}"),
    _kind("openai-key", "sk-", r"sk-(?=[A-Za-z]{0,60}[0-9])[A-Za-z0-9]{20,}"),
    _kind("huggingface-token", "hf_ api_org_", r"(?:hf|api_org)_[A-Za-z0-9]{30,}"),
    _kind("groq-key", "gsk_", r"gsk_[A-Za-z0-9]{32,}"),
    _kind("replicate-token", "r8_", r"r8_[A-Za-z0-9]{37}"),
    _kind("perplexity-key", "pplx-", r"pplx-[A-Za-z0-9]{32,}"),
    _kind("xai-key", "xai-", r"xai-[A-Za-z0-9]{40,}"),
    _kind("nvidia-key", "nvapi-", r"nvapi-[\w-]{60,}"),
    _kind("fireworks-key", "fw_", r"fw_(?=[A-Za-z]{0,60}[0-9])[A-Za-z0-9]{20,}"),
    _kind("cerebras-key", "csk-", r"csk-[a-z0-9]{40,}"),
    _kind("together-key", "tgp_v1_", r"tgp_v1_[\w-]{40,}"),
    _kind("tavily-key", "tvly-", r"tvly-(?:dev-|prod-)?[A-Za-z0-9]{30,}"),
    _kind("langsmith-key", "lsv2_ ls__", r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}|ls__[0-9a-f]{32}"),
    _kind("wandb-key", "wandb_v1_", r"wandb_v1_[\w-]{40,}"),
    _kind("jina-key", "jina_", r"jina_[\w-]{40,}"),
    # messages and mail
    _kind("slack-token", "xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs-", r"xox[abeoprs]-[\w-]{10,}"),
    _kind("slack-token", "xapp- xoxe.", r"xapp-[\w-]{20,}|xoxe\.xox[bp]-[\w-]{20,}"),
    _kind(
        "slack-webhook",
        "hooks.slack.com/",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[\w-]{6,24}/[\w-]{6,24}/[\w/-]{16,}",
    ),
    _kind(
        "discord-webhook", "/api/webhooks/", r"discord(?:app)?\.com/api/webhooks/[0-9]{15,21}/[\w-]{50,}", inside=True
    ),
    _kind("discord-token", "", r"[MNO][A-Za-z0-9_-]{22,27}\.[\w-]{6}\.[\w-]{27,}", inside=True),
    _kind("telegram-token", ":AA", r"[0-9]{8,10}:AA[\w-]{33}", inside=True),
    _kind("sendgrid-key", "SG.", r"SG\.[\w-]{16,32}\.[\w-]{32,}"),
    _kind("twilio-key", "SK AC", r"(?:SK|AC)[0-9a-f]{32}"),
    _kind("mailgun-key", "key-", r"key-[0-9a-f]{32}"),
    _kind("mailchimp-key", "-us", r"[0-9a-f]{32}-us[0-9]{1,2}", inside=True),
    _kind("brevo-key", "xkeysib-", r"xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    _kind("resend-key", "re_", r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}"),
    # shops and payment
    _kind("stripe-key", "sk_ rk_", r"[sr]k_(?:live|test|prod)_[A-Za-z0-9]{16,}"),
    _kind("stripe-webhook", "whsec_", r"whsec_[A-Za-z0-9+/=]{24,}"),
    _kind("square-token", "sq0", r"sq0[a-z]{3}-[\w-]{22,}"),
    _kind("square-token", "EAAA", r"EAAA[\w-]{56,}"),
    _kind("facebook-token", "EAA", r"EAA[A-Za-z0-9]{90,}"),
    _kind("shopify-token", "shpat_ shpca_ shppa_ shpss_", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    # work and data
    _kind("airtable-token", "pat", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    _kind("databricks-token", "dapi", r"dapi[0-9a-f]{32}(?:-[0-9])?"),
    _kind("figma-token", "figd_ figu_ figo_", r"fig[duo][rh]?_[\w-]{40,}"),
    _kind("linear-key", "lin_", r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}"),
    _kind("notion-token", "ntn_ secret_", r"ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43}"),
    _kind("postman-key", "PMAK-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    _kind("planetscale-token", "pscale_", r"pscale_(?:tkn|pw|oauth)_[\w.=-]{32,}"),
    _kind("supabase-key", "sbp_ sb_secret_", r"sbp_[0-9a-f]{40}|sb_secret_[\w-]{20,}"),
    # watching
    _kind("sentry-token", "sntrys_ sntryu_", r"sntry[su]_[\w+/=-]{40,}"),
    _kind("newrelic-key", "NRAK- NRII- NRJS- NRAA- NRRA-", r"NR(?:AK|II|JS|AA|RA)-[\w-]{19,}"),
    _kind("grafana-token", "glc_ glsa_", r"glc_[A-Za-z0-9+/=]{32,}|glsa_[A-Za-z0-9]{32}_[0-9A-Fa-f]{8}"),
    _kind("grafana-token", "eyJrIjoi", r"eyJrIjoi[A-Za-z0-9+/=]{60,}"),
    _kind("dynatrace-token", "dt0", r"dt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    _kind("posthog-key", "phx_", r"phx_[A-Za-z0-9]{40,}"),
    # any of them
    _kind("jwt", "eyJ", r"eyJ[\w-]{8,1000}\.eyJ[\w-]{8,8000}(?:\.[\w-]{0,2000})?"),
)
