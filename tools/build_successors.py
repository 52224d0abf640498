"""Makes envcheck/imports/successors.json from an environment with TensorFlow 2 and tf-slim.

    python tools/build_successors.py SITE_PACKAGES

TensorFlow ships its own upgrade script; what that renames without touching the arguments has one
right answer. tf-slim is the code of tf.contrib.slim and tf.contrib.layers under another name.
The files are read, not imported.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from envcheck.harvest import names

TARGET = Path(__file__).resolve().parent.parent / "envcheck" / "imports" / "successors.json"
# What the upgrade script knows to need more than another name: these attributes of its class.
CHANGED = (
    *("function_keyword_renames", "function_warnings", "function_arg_warnings"),
    *("function_transformers", "reordered_function_names", "manual_function_reorders"),
)
# The modules of tf.contrib that became tf-slim, and where their names are in it.
SLIM = {
    "tf.contrib.slim": ("tf_slim",),
    "tf.contrib.layers": ("tf_slim.layers",),  # as tf_slim's own: it hides that package
    "tf.contrib.metrics": ("tf_slim.metrics",),
    "tf.contrib.framework": ("tf_slim.ops.arg_scope", "tf_slim.ops.variables"),
}
# The same objects in TensorFlow 1.15, by the import statements of its contrib modules.
SAME_IN_1_15 = {
    "tf.contrib.rnn.DropoutWrapper": "tf.nn.rnn_cell.DropoutWrapper",
    "tf.contrib.rnn.DeviceWrapper": "tf.nn.rnn_cell.DeviceWrapper",
    "tf.contrib.rnn.ResidualWrapper": "tf.nn.rnn_cell.ResidualWrapper",
    "tf.contrib.eager.enable_eager_execution": "tf.compat.v1.enable_eager_execution",
    "tf.contrib.eager.py_func": "tf.py_function",
}


def assigned(path: Path, wanted: str) -> Iterator[ast.expr]:
    """What a file assigns to this name, or to this attribute of self."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        for target in node.targets if isinstance(node, ast.Assign) else ():
            if wanted in (getattr(target, "id", ""), getattr(target, "attr", "")):
                yield node.value  # type: ignore[union-attr]


def literal(path: Path, wanted: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in assigned(path, wanted):
        if isinstance(value, ast.Dict):
            found.update(ast.literal_eval(value))
    return found


def keys(path: Path, wanted: str) -> set[str]:
    """The strings that a dict has as keys, or a set as members."""
    found = set()
    for value in assigned(path, wanted):
        items = value.keys if isinstance(value, ast.Dict) else getattr(value, "elts", ())
        found |= {item.value for item in items if isinstance(item, ast.Constant)}
    return found


def renamed(folder: Path) -> dict[str, str]:
    """The renames after which every call means the same."""
    table = literal(folder / "renames_v2.py", "renames")
    table |= literal(folder / "all_renames_v2.py", "manual_symbol_renames")
    changed = keys(folder / "reorders_v2.py", "reorders")
    for attribute in CHANGED:
        changed |= keys(folder / "tf_upgrade_v2.py", attribute)
    return {
        old: new
        for old, new in table.items()
        if old not in changed and new != old.replace("tf.", "tf.compat.v1.", 1)
    }


def slim(site: Path) -> dict[str, str]:
    files = [path for path in sorted((site / "tf_slim").rglob("*.py")) if "_test" not in path.name]
    texts = {path.relative_to(site).as_posix(): path.read_text("utf-8") for path in files}
    tree = names.parse_tree("tf_slim", list(texts), texts)
    own = {name for text in texts.values() for name in exported(text)}
    table = {}
    for old, homes in SLIM.items():
        for home in homes:
            new = "tf_slim" if home.startswith(("tf_slim.ops", "tf_slim.layers")) else home
            text = texts[f"{new.replace('.', '/')}/__init__.py"]
            for name in (own | taken(text)) & tree[home].names & tree[new].names:
                if not name.startswith("_"):
                    table[f"{old}.{name}"] = f"{new}.{name}"
    return table


def taken(text: str) -> set[str]:
    """What a package takes by name from its own modules."""
    return {
        item.asname or item.name.rpartition(".")[2]
        for node in ast.parse(text).body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        and ast.unparse(node).partition(" ")[2].startswith("tf_slim")
        for item in node.names
    }


def exported(text: str) -> set[str]:
    """Of what a module defines, what `from it import *` brings."""
    for node in ast.parse(text).body:
        if (
            isinstance(node, ast.Assign)
            and ast.unparse(node.targets[0]) == "__all__"
            and isinstance(node.value, (ast.List, ast.Tuple))
        ):
            return defined(text) & set(ast.literal_eval(node.value))
    return defined(text)


def defined(text: str) -> set[str]:
    """What a module defines itself, in place of importing it."""
    found = set()
    for node in ast.parse(text).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


def version(site: Path, project: str) -> str:
    (found,) = site.glob(f"{project}-*.dist-info")
    return found.name.removesuffix(".dist-info").partition("-")[2]


def main(site: Path) -> None:
    folder = site / "tensorflow" / "tools" / "compatibility"
    document = {
        "sources": [
            f"tensorflow {version(site, 'tensorflow_cpu')}: tensorflow/tools/compatibility",
            f"tf-slim {version(site, 'tf_slim')}",
            "tensorflow 1.15: tensorflow/contrib/rnn/__init__.py, contrib/eager/python/tfe.py",
        ],
        "renamed": renamed(folder) | SAME_IN_1_15,
        "slim": slim(site),
        "addons": literal(folder / "all_renames_v2.py", "addons_symbol_mappings"),
    }
    TARGET.write_text(json.dumps(document, indent=0, sort_keys=True) + "\n", "utf-8")
    counts = {name: len(table) for name, table in document.items()}
    print(f"{counts}, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
