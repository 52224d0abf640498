"""A workflow for a runner with a GPU that fails where the environment does not work."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace

from envcheck.plan.formats.script import link_commands, path_value
from envcheck.plan.formats.sheet import Sheet, header, lines_of, without_root


def render(sheet: Sheet) -> str:
    return "\n".join(_lines(sheet)) + "\n"


def _lines(sheet: Sheet) -> Iterator[str]:
    plan = without_root(sheet)
    gpu = plan.uses_gpu
    runner = "[self-hosted, linux, gpu]" if gpu else "ubuntu-latest"
    put = "Put it at .github/workflows/environment.yml"
    yield from header(replace(sheet, plan=plan), put)
    yield "name: environment"
    yield '"on":'
    yield "  push:"
    yield "  workflow_dispatch:"
    yield "permissions:"
    yield "  contents: read"
    yield "jobs:"
    yield "  envcheck:"
    yield f"    runs-on: {runner}"
    yield "    timeout-minutes: 30"
    variables = {**plan.variables}
    if plan.path:
        variables["LD_LIBRARY_PATH"] = path_value(plan, "${{ github.workspace }}/.venv")
    if variables:
        yield "    env:"
        yield from (f'      {name}: "{value}"' for name, value in variables.items())
    yield "    steps:"
    yield "      - uses: actions/checkout@v4"
    yield "      - uses: actions/setup-python@v5"
    yield "        with:"
    yield f'          python-version: "{plan.python}"'
    yield "      - name: Install"
    yield "        run: |"
    yield "          python -m venv .venv"
    words = [shlex.quote(line) for line in lines_of(plan)]
    yield "          .venv/bin/python -m pip install \\"
    yield from (f"            {word} \\" for word in words[:-1])
    yield f"            {words[-1]}"
    yield from (f"          {line}" for line in link_commands(plan, ".venv"))
    yield "      - uses: actions/setup-python@v5"
    yield "        with:"
    yield '          python-version: "3.12"'
    yield "      - name: Check it with envcheck"
    yield "        run: |"
    yield "          python -m pip install envcheck"
    yield f"          envcheck --python .venv --expect {'gpu' if gpu else 'cpu'}"
