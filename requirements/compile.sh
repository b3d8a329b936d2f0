#!/bin/sh
# Compiles one hashed requirements file from pyproject.toml, for every Python and platform we run on.
# The files name no index, so any mirror serves them.
set -eu
name=$1
case $name in
  functions) set -- --group functions --python-version 3.13 ;;
  tokens) set -- --group functions --group tokens --group http-api --python-version 3.13 ;;
  *) set -- pyproject.toml --group "$name" --python-version 3.11 ;;
esac
# gatepost itself is installed apart from these files: they are made before its wheel, which carries them.
exec .venv/bin/uv pip compile "$@" --no-emit-package gatepost --universal --generate-hashes --no-annotate --no-emit-index-url \
  --custom-compile-command "make lock" --quiet --output-file "requirements/$name.txt"
