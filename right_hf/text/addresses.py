"""What of a text leads to a person or a place and is nobody's hashtag: addresses, accounts, telephone and card numbers.

The patterns are linear in the length of a text, whatever it holds.
"""

from __future__ import annotations

import re

import regex

# An address ends at quotation marks, brackets and commas (unless what follows plainly is no word), and where Chinese
# text or punctuation begins, which need not be set off by a space.
_IN = r"""[^\s<>"“”«»,;|\u3000-\u303f\u3400-\u9fff\uff00-\uffef]"""
_REST = rf"{_IN}*+(?:[,;](?=[^\s,;<>]{{0,40}}[/=&%?_]|\d|\p{{L}}{{0,40}}\d){_IN}++)*+"
_UNSPACED_HOST = r"(?:[\u3400-\u9fff][\p{L}\p{N}-]{0,62}(?:\.[\p{L}\p{N}-]{1,63}){1,8}(?:/[^\s<>]*+)?)"
_LABEL = r"[\p{L}\p{N}](?:[\p{L}\p{N}_-]{0,62}[\p{L}\p{N}])?"
_COUNTRIES = (
    "ac ad ae af ai am ar at au az ba be bg br by ca cc cd ch cl cn co cr cu cy cz de dk dz ec ee eg es eu fi fm fr gg "
    "ge gl gr gt hk hr hu id ie il in io ir is it jo jp ke kr kz la lb li lk lt lu lv ly ma md me mk mt mx my ng nl no "
    "nu nz pa pe ph pk pl pm pr ps pt py qa ro rs ru sa se sg sh si sk sn so st sv th tn to tr tv tw tz ua ug uk us uy "
    "uz ve vn vu ws za zw"
).replace(" ", "|")
_GENERIC = (
    "academy agency app art biz blog chat cloud club com community dev digital edu email events foundation gov group "
    "info int jobs link live media mil mobi museum name net network news online org page photos press pro shop site "
    "social space store studio systems tech today tools video website wiki work world xyz zone"
).replace(" ", "|")
_ENDING = rf"(?:{_GENERIC}|{_COUNTRIES})"
#: Endings that are no word: nobody forgot the space after a full stop there.
_SURE = "(?:com|org|net|edu|gov|info|biz|io|de|uk|fr|nl|eu|ch|jp|cn|br|pl|ru|tv|xyz|social)"
_FREE = r"(?<![\p{L}\p{M}\p{N}._@\#+-])"
_ADDRESS = regex.compile(
    rf"""
      <(?:https?|ftps?|mailto)://?[^\s<>]{{0,2000}}+>
    | <?(?<![A-Z0-9])(?:https?|ftps?|sftp|wss?|git|ssh|file)://{_UNSPACED_HOST}?{_REST}>?
    | <?(?<![A-Z0-9])(?:mailto|tel|sms|xmpp|magnet):(?=\S){_REST}>?
    | (?<![A-Z0-9])www\.(?=\w){_REST}
    | {_FREE}(?:{_LABEL}\.){{1,8}}{_ENDING}(?::\d{{1,5}})?[/?]{_REST}
    | {_FREE}(?:{_LABEL}\.){{2,8}}{_ENDING}(?![\p{{L}}\p{{M}}\p{{N}}@_-])
    | {_FREE}(?!\w+\.(?-i:NET)|(?:asp|ado|ml|vb)\.net){_LABEL}\.{_SURE}(?![\p{{L}}\p{{M}}\p{{N}}@_-]|\.\p{{L}})
    """,
    regex.VERBOSE | regex.IGNORECASE,
)
_MAIL = regex.compile(
    rf"(?<![\p{{L}}\p{{N}}._%+@-])[\p{{L}}\p{{N}}][\p{{L}}\p{{N}}._%+-]{{0,63}}"
    rf"@(?:(?:{_LABEL}\.){{1,8}}\p{{L}}{{2,24}}|localhost|\d{{1,3}}(?:\.\d{{1,3}}){{3}})(?![\p{{L}}\p{{N}}])"
)
#: A bare @name, one with its server (Mastodon), or a domain (Bluesky).
_ACCOUNT = regex.compile(
    rf"(?<![\p{{L}}\p{{M}}\p{{N}}_@])@[\p{{L}}\p{{M}}\p{{N}}_](?:[\p{{L}}\p{{M}}\p{{N}}_-]*[\p{{L}}\p{{M}}\p{{N}}_])?"
    rf"(?:(?:\.{_LABEL}){{1,6}}\.{_ENDING}(?![\p{{L}}\p{{N}}])|\.{_SURE}(?![\p{{L}}\p{{N}}]))?"
    rf"(?:@(?:{_LABEL}\.){{1,8}}\p{{L}}{{2,24}})?",
    regex.IGNORECASE,
)
#: What stands for an account.
ACCOUNT = "@user"
_YEARS = r"(?:(?:19|20)\d\d[ /–-]{0,3}){2,}(?!\d)"
_NUMBER = regex.compile(
    rf"""
    (?=[+(\d]|[A-Z]{{2}}\d)(?<![\p{{L}}\p{{N}}]|\d[.,])(?!{_YEARS})(?:
      (?:\+|00)\d(?:[ .()/–-]{{0,2}}\d){{6,16}}
    | \(?0\d(?:[ .()/–-]{{0,2}}\d){{5,13}}
    | (?:1[ .-])?\(?\d{{3}}\)?[ .-]?\d{{3}}[ .-]\d{{4}}
    | \d{{4}}(?:[ -]\d{{4}}){{2,3}}(?:[ -]\d{{1,7}})?
    | \d{{4}}[ -]\d{{6}}[ -]\d{{4,5}}
    | \d{{3}}-\d{{2}}-\d{{4}}
    | (?!\d0{{6,}})\d{{9,40}}
    | [A-Z]{{2}}\d{{2}}(?:\ ?[A-Z0-9]{{4}}){{3,7}}(?:\ ?[A-Z0-9]{{1,3}})?
    )(?![\p{{L}}\p{{N}}])
    """,
    regex.VERBOSE,
)


#: Without these, which are quick to look for, the patterns above find nothing.
_MAY_BE_ADDRESS = re.compile(r"[^\W_]\.[^\W_]|:\S|www\.", re.IGNORECASE)
_MAY_BE_ACCOUNT = re.compile(r"@(?!user(?:[^\w.@-]|\.?(?:\s|$)))\w")
_MAY_BE_NUMBER = re.compile(r"\d(?:[ .()/–-]{0,2}\d){6}|[A-Z]{2}\d\d ?[A-Z0-9]{4}")


def without_addresses(text: str) -> str:
    """A visible text without addresses of the net; accounts, also of mail, masked, and long numbers left out as `…`."""
    if _MAY_BE_ADDRESS.search(text):
        # No address holds a space, and the pattern is slow: it is tried on the pieces alone that may hold one.
        pieces = text.split(" ")
        text = " ".join(_ADDRESS.sub(" ", piece) if _MAY_BE_ADDRESS.search(piece) else piece for piece in pieces)
    if _MAY_BE_ACCOUNT.search(text):
        text = _ACCOUNT.sub(ACCOUNT, _MAIL.sub(ACCOUNT, text))
    return _NUMBER.sub("…", text) if _MAY_BE_NUMBER.search(text) else text
