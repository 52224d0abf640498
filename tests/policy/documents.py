"""Policies that are fine, and ones that are not: with the line that is named, and what is said."""

from __future__ import annotations

ENTRY = 'code = "KER201"\nreason = "a pilot"\nexpires = 2027-01-31\n'

GOOD = {
    "empty": "",
    "settings": 'expect = "cpu"\nfail-on = "info"\nsmoke = "quick"\ntimeout = 0.1\n'
    "smoke-timeout = 86400\n",
    "requirements": """\
        expect = "gpu"
        [require]
        gpus = 2
        gpu = ["A100", "*RTX 30?0"]
        compute-capability = ">=8.0,<10"
        driver = ">=525.60.13, !=550.54.14"
        cuda = "==12.*"
        cudnn = "~=9.1"
        python = "==3.11.*"
        tensorflow = "==2.20.0rc0"
        keras = ">= 3.10.dev0"
        """,
    "requirements without a GPU": 'expect = "cpu"\nrequire.tensorflow = "~=2.15.0"\n',
    "one name": 'require = { gpu = "H100", gpus = 1.0 }\n',
    "severities": '[severity]\nKER201 = "warning"\nIMP203 = "error"\nPOL103 = "warning"\n',
    "no entries": "ignore = []\n[severity]\n[require]\n",
    "ignores": f"[[ignore]]\n{ENTRY}[[ignore]]\nsubject = '*'\n{ENTRY}",
    "an inline ignore": "ignore = [\n # why\n {code = 'IMP301', reason = '''\na\nb''', "
    "expires = '2027-02-28'},\n]\n",
}

BROKEN = {
    "unknown key": ("\nfailon = 'error'", 2, "failon: there is no such key; did you mean fail-on?"),
    "underscore": ("fail_on = 'error'", 1, "did you mean fail-on? Allowed are expect, fail-on,"),
    "far key": ("zzz = 1", 1, "zzz: there is no such key. Allowed are expect"),
    "choice": ("expect = 'tpu'", 1, 'expect = "tpu": allowed is one of "gpu", "cpu".'),
    "choice of another kind": ("expect = ['gpu']", 1, "allowed is one of"),
    "smoke as a flag": ("smoke = false", 1, 'smoke = false: allowed is one of "off", "quick"'),
    "threshold": ("\n\nfail-on = 'warn'", 3, 'allowed is one of "error", "warning", "info".'),
    "no time": ("timeout = 0", 1, "timeout = 0: allowed is seconds from 0.1 to 86400."),
    "too long": ("smoke-timeout = 86401.5", 1, "smoke-timeout = 86401.5: allowed is seconds"),
    "time as text": ("timeout = '10'", 1, 'timeout = "10": allowed is seconds'),
    "time as a flag": ("timeout = true", 1, "timeout = true: allowed is seconds"),
    "require is no table": ("require = 1", 1, "require = 1: allowed is a table."),
    "unknown requirement": ("[require]\ncudnnn = '>=9'", 2, "did you mean cudnn?"),
    "no GPU required": ("[require]\ngpus = 0", 2, "gpus = 0: allowed is a whole number from 1."),
    "half a GPU": ("[require]\ngpus = 1.5", 2, "allowed is a whole number"),
    "GPUs as in TOML": ("require.gpus = [true, {a = 1}, 'x']", 1, 'gpus = [true, {...}, "x"]: a'),
    "GPUs as text": ("[require]\ngpus = '2'", 2, "allowed is a whole number"),
    "no name": ("require.gpu = ' '", 1, "allowed is a text such as"),
    "no names": ("require.gpu = []", 1, "allowed is a text such as"),
    "a name that is none": ("require.gpu = ['A100', 4]", 1, "allowed is a text such as"),
    "a bare version": ("[require]\nkeras = '3.10'", 2, 'keras = "3.10": allowed is a range of'),
    "a number": ("[require]\npython = 3.11", 2, "python = 3.11: allowed is a range of versions"),
    "no range": ("[require]\ntensorflow = '>=two'", 2, "allowed is a range of versions such as"),
    "an empty range": ("[require]\ntensorflow = ''", 2, "allowed is a range of versions such as"),
    "half a range": ("[require]\ntensorflow = '>=2.9,'", 2, "allowed is a range"),
    "digits without end": (f"require.keras = '>=3,<{'9' * 5000}'", 1, "allowed is a range of"),
    "digits of a CUDA": (f"require.cuda = '!={'9' * 5000}'", 1, "allowed is a range of versions"),
    "compatible with one number": ("[require]\ntensorflow = '~=2'", 2, "allowed is a range"),
    "a wildcard above": ("[require]\ntensorflow = '>=2.*'", 2, "allowed is a range"),
    "three numbers of CUDA": ("[require]\ncuda = '>=12.2.1'", 2, "with one or two numbers each"),
    "a GPU of a CPU": (
        "[require]\ndriver = '>=535'\n[x]\n[y]",
        3,
        "x: there is no such key",
    ),
    "a GPU where none is": (
        "expect = 'cpu'\n[require]\ntensorflow = '>=2.9'\ndriver = '>=535'",
        4,
        'require.driver: expect = "cpu" says that there is no GPU',
    ),
    "severity of nothing": ("[severity]\nKER20 = 'error'", 2, "KER20: there is no such code"),
    "severity in small letters": ("[severity]\nker201 = 'info'", 2, "did you mean KER201?"),
    "a severity that is none": ("[severity]\nKER201 = 'off'", 2, 'KER201 = "off": allowed is one'),
    "one ignore without list": (f"[ignore]\n{ENTRY}", 1, "allowed is a list of tables"),
    "ignores that are texts": ("ignore = ['KER201']", 1, "allowed is a list of tables"),
    "no reason": (
        "\n[[ignore]]\ncode = 'KER201'\nexpires = 2027-01-31",
        2,
        "an ignore needs reason, a text that is not empty.",
    ),
    "an empty reason": (f"[[ignore]]\n{ENTRY.replace('a pilot', ' ')}", 3, 'reason = " ": allowed'),
    "no code": ("[[ignore]]\nreason = 'a'\nexpires = 2027-01-31", 1, "an ignore needs code"),
    "no end": ("[[ignore]]\ncode = 'KER201'\nreason = 'a'", 1, "an ignore needs expires, a date"),
    "no date": ("[[ignore]]\ncode='KER201'\nreason='a'\nexpires='soon'", 4, "allowed is a date"),
    "a day that never is": (
        "[[ignore]]\ncode = 'KER201'\nreason = 'a'\nexpires = '2027-02-30'",
        4,
        'expires = "2027-02-30": allowed is a date such as 2027-01-31.',
    ),
    "a moment": (
        "[[ignore]]\ncode = 'KER201'\nreason = 'a'\nexpires = 2027-02-03T10:00:00",
        4,
        "allowed is a date",
    ),
    "an entry's unknown key": (f"[[ignore]]\n{ENTRY}until = 1", 5, "until: there is no such key"),
    "an entry's subject": (f"[[ignore]]\n{ENTRY}subject = ['a']", 5, 'subject = ["a"]: allowed'),
    "the second entry": (f"[[ignore]]\n{ENTRY}[[ignore]]\ncode = 'KER201'", 5, "an ignore needs"),
    "an entry about entries": (
        f"[[ignore]]\n{ENTRY.replace('KER201', 'POL102')}",
        2,
        "POL102 is about ignores: change or remove the entry instead.",
    ),
    "the first of two": ("expect = 'x'\nsmoke = 'y'", 1, "expect"),
}

UNKNOWN_CODES = {
    "severity": ("[severity]\nKER999 = 'info'", 2, "KER999: there is no such code"),
    "ignore": (
        f"[[ignore]]\n{ENTRY.replace('KER201', 'GPU190')}",
        2,
        "GPU190: there is no such code; did you mean",
    ),
}
"""What only the loader can know: the rules are found in their folder."""

IMPOSSIBLE = {
    "above": ("driver", ">=12,<11"),
    "at once": ("driver", ">=12, <12"),
    "behind it": ("keras", ">3,<=3.0"),
    "compatible": ("tensorflow", "~=2.15.0,>=2.16"),
    "fixed": ("python", "==3.11.4,>=3.12"),
    "two of them": ("keras", "==3.1,==3.2"),
    "wildcard": ("cuda", "==11.*,>=12"),
    "below the wildcard": ("compute-capability", "<8,==9.*"),
}
"""Ranges that no version is in. Their form is right, so the schema takes them."""

NO_TOML = {
    "syntax": (b"expect = 'gpu'\nfail-on = \n", 2, "this is not TOML: Invalid value"),
    "twice": (b"expect = 'gpu'\n\nexpect = 'gpu'\n", 3, "this is not TOML: Cannot overwrite"),
    "open": (b"expect = '''gpu\n\n", 3, "this is not TOML: "),
    "bytes": (b"# fine\n# caf\xe9\n", 2, "this is not UTF-8."),
    "nul": (b"expect = 'g\x00pu'", 1, "this is not TOML: "),
    "digits": (b"timeout = " + b"9" * 400, 1, "a whole number in it is too large."),
    "digits in plenty": (b"x = " + b"9" * 5000, 1, "a whole number in it is too large."),
    "digits in base 16": (b"require.gpus = 0x" + b"f" * 5000, 1, "a whole number in it is too"),
    "deep": (b"require = " + b"[" * 100_000, 1, "nested too deeply"),
}
