#!/usr/bin/env python3
"""Writes the licences of everything that is linked into people-gateway, to a file or to standard output.

    scripts/third-party-notices.py [--target TRIPLE] [FILE]

What is linked, cargo says; the texts come from the sources that cargo has fetched. Fails where a package has neither a
text nor a licence whose text is known, so a new dependency cannot go out without its notice.
"""

import argparse
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LICENCE = re.compile(r"^(licen[cs]e|copying|notice|copyright|unlicense)", re.IGNORECASE)
# Sources, and documents that are about licences.
NO_TEXT = (".rs", ".py", ".toml", ".yml", ".yaml", ".json", ".js", ".html", ".go", ".h", ".c", ".pl", ".sh")
# Not linked: what a package brings for its own tests and documents.
SKIPPED = {"tests", "test", "benches", "examples", "fuzz", "ci", "docs", "doc", "target", ".git", ".github"}
MIT = """Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."""


def linked(target):
    """The packages whose code is part of the program: not those that only build or test it."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = metadata["resolve"]["root"]
    found, waiting = set(), [root]
    while waiting:
        package = waiting.pop()
        if package in found:
            continue
        found.add(package)
        for dependency in nodes[package]["deps"]:
            is_linked = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            targets = packages[dependency["pkg"]]["targets"]
            if is_linked and not any("proc-macro" in target["kind"] for target in targets):
                waiting.append(dependency["pkg"])
    found.discard(root)
    return sorted((packages[package] for package in found), key=lambda package: (package["name"], package["version"]))


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read().strip()


def texts(package):
    """The licence files of a package, those of the C code that it brings included."""
    folder = os.path.dirname(package["manifest_path"])
    found = []
    for at, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name.lower() not in SKIPPED)
        names = (name for name in sorted(files) if LICENCE.match(name) and not name.lower().endswith(NO_TEXT))
        found += [read(os.path.join(at, name)) for name in names]
    return [text for text in found if text] or [standard(package)]


def standard(package):
    """The text of the licence that a package names without bringing it along."""
    choices = re.split(r" OR |/", package["license"] or "")
    if "Apache-2.0" in choices:
        return read(os.path.join(ROOT, "LICENSE-APACHE"))
    if "MIT" in choices:
        authors = ", ".join(author.split(" <")[0] for author in package["authors"])
        return f"Copyright (c) {authors or 'the authors of ' + package['name']}\n\n{MIT}"
    sys.exit(f"{package['name']} {package['version']} brings no licence text, and that of {package['license']} is unknown")


def vendored():
    """What the console's pages bring along."""
    folder = os.path.join(ROOT, "web/console/vendor")
    names = sorted(name for name in os.listdir(folder) if name.startswith("LICENSE-"))
    if not names:
        sys.exit(f"{folder} holds no licences")
    return [(name.removeprefix("LICENSE-"), read(os.path.join(folder, name))) for name in names]


def notices(target):
    users, order = {}, []

    def add(user, text):
        key = " ".join(text.split())
        if key not in users:
            order.append((key, text))
        holders = users.setdefault(key, [])
        if user not in holders:
            holders.append(user)

    for package in linked(target):
        for text in texts(package):
            add(f"{package['name']} {package['version']} ({package['license']})", text)
    for name, text in vendored():
        add(f"{name} (in the console)", text)
    line = "-" * 100
    yield "People Gateway contains the work of others, under the licences below. Each stands under those who use it.\n"
    for key, text in order:
        yield f"\n{line}\n" + "\n".join(users[key]) + f"\n{line}\n\n{text}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--target", default="x86_64-unknown-linux-gnu", help="the platform (default: %(default)s)")
    parser.add_argument("file", nargs="?", help="where to write; standard output if left out")
    options = parser.parse_args()
    text = "".join(notices(options.target))
    if options.file is None:
        sys.stdout.write(text)
        return
    with open(options.file, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
