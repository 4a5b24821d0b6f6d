"""How much risk a customer bears (风险承受能力): assessed, with an expiry; the latest assessment counts and all are kept.

The latest is the one with the latest date, not the one recorded last: an old paper found later changes nothing. An expired one blocks
what needs a profile, so it is told as it stands and not replaced by an older one.
"""
