"""Where the code of a function lies on this machine, which a template says in many ways.

Responsible for folders that are there: of SAM (`CodeUri`), `sam build`, the CDK's assets, and the
project beside a packaging folder. Code written into the template is put into `.gatepost/inline` of
the project, and a zip file is unpacked beside it, which is all that reading a template writes;
archives in S3 that are nowhere unpacked and images are refused.
"""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gatepost.gateway.template.archives import ArchiveError, hidden_folder, unpack

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.gateway.template.part import Resource
    from gatepost.gateway.template.stack import Stack
    from gatepost.gateway.template.view import View

_PACKAGING: Final = frozenset({".serverless", ".osls", "cdk.out", ".aws-sam"})
"""Folders that tools write templates into, inside of the project."""

_NEIGHBOURS: Final = (".", "src", "lambda", "lambdas", "functions", "handlers")
"""Folders beside a template that the code of an archive may have been packed from."""

_RUNTIMES: Final = ("python", "nodejs")
_SUFFIXES: Final = (".py", ".js", ".mjs", ".cjs", "/__init__.py")
_INLINE_BYTES_MAX: Final = 4 * 1024 * 1024


def project_of(folder: Path) -> Path:
    """Return the project that a template's folder belongs to: the folder, or what it is within."""
    for candidate in (folder, folder.parent):
        if candidate.name in _PACKAGING:
            return candidate.parent
    return folder


def has_handler(folder: Path, handler: str) -> bool:
    """Whether a folder has the file of a handler: `app.py` or `app.js` of `app.hello`."""
    module = handler.rpartition(".")[0]
    return any((folder / (module + suffix)).is_file() for suffix in _SUFFIXES)


def code_root(function: "Resource", stack: "Stack") -> Path:
    """Return the folder that the handler's path begins at.

    Code in S3 lies where the values file says (`source_dir`), else where its handler's file is.
    Raises TemplateError for code that is not on this machine as a folder or a zip file.
    """
    folder = stack.folder

    def placed(text: str, at: "View") -> Path:
        if not (path := _found(text, at, folder)).is_file():
            return path.resolve()
        if not (function.text("Runtime") or "").startswith(_RUNTIMES):
            raise at.error(f"is {text}, a file; only those of Python and Node are unpacked")
        try:
            return unpack(path, project_of(folder), partial(stack.notice, function))
        except ArchiveError as error:
            raise at.error(f"is {text}, which {error}") from None

    serverless = function.kind == "AWS::Serverless::Function"
    if function.text("PackageType") == "Image" or function.get("ImageUri") is not None:
        raise function.error("is a container image, which names no handler: it can't be run here")
    if (inline := function.get("InlineCode")) is not None:
        return _inline(function, inline, folder)
    code = function.get("CodeUri" if serverless else "Code")
    if code is None and serverless:
        return folder
    if code is None:
        raise function.error("needs Code")
    if not code.is_mapping or _names_function(code):
        return _from_text(function, code, folder, placed)
    return _from_mapping(function, code, folder, placed)


def _names_function(code: "View") -> bool:
    key = next(iter(code.keys()), "")
    return key == "Ref" or key.startswith("Fn::")


def _from_text(
    function: "Resource", code: "View", folder: Path, placed: "Callable[[str, View], Path]"
) -> Path:
    text = function.intrinsics.text(code) or ""
    if text.startswith(("s3://", "https://")):
        return _beside_archive(function, text, code, folder, placed=placed)
    return placed(text, code)


def _from_mapping(
    function: "Resource", code: "View", folder: Path, placed: "Callable[[str, View], Path]"
) -> Path:
    part = function.part("CodeUri") or function.part("Code")
    if part is None:
        raise code.error("must say where the code lies")
    if part.get("ImageUri") is not None:
        raise code.error("is a container image, which names no handler: it can't be run here")
    if (inline := part.get("ZipFile")) is not None:
        return _inline(function, inline, folder)
    metadata = function.view.get("Metadata")
    asset = None if metadata is None else metadata.get("aws:asset:path")
    if asset is not None:
        return placed(asset.text(), asset)
    view = part.get("S3Key") or part.get("Key")
    key = None if view is None else view.node.value
    return _beside_archive(
        function, key if isinstance(key, str) else "", code, folder, placed=placed
    )


def _beside_archive(
    function: "Resource",
    key: str,
    code: "View",
    folder: Path,
    *,
    placed: "Callable[[str, View], Path]",
) -> Path:
    """Find the sources of an archive in S3: the CDK's asset, or the project it was packed from."""
    given = function.intrinsics.values.resources.get(function.logical_id, {}).get("source_dir")
    if given is not None:
        return placed(given, code)
    stem = Path(key).stem
    asset = folder / f"asset.{stem}"
    if asset.is_dir():
        return asset
    if asset.with_name(f"{asset.name}.zip").is_file():
        return placed(f"{asset.name}.zip", code)
    project = project_of(folder)
    if project != folder and folder.name != "cdk.out":
        return project
    handler = function.require_text("Handler")
    for name in (stem, *_NEIGHBOURS):
        if has_handler(folder / name, handler):
            return (folder / name).resolve()
    raise code.error(
        f"lies in S3, and the file of {handler} is not found beside the template: give the one in "
        ".aws-sam/build, cdk.out or .serverless, or the template as it is before it is packaged; "
        f"or name the folder in a file for --values: resources, {function.logical_id}, source_dir"
    )


def _found(text: str, at: "View", folder: Path) -> Path:
    """Return the folder or file that is named."""
    path = folder / text
    try:
        there = path.is_dir() or path.is_file()
    except (OSError, ValueError):
        there = False
    if not there:
        raise at.error(f"is {text}, which is not there")
    return path


def _inline(function: "Resource", code: "View", folder: Path) -> Path:
    """Write inline code where a debugger finds it, as Lambda does: `index.py` or `index.js`."""
    text = function.intrinsics.text(code) or ""
    if len(text) > _INLINE_BYTES_MAX:
        raise code.error("is too long")
    runtime = function.text("Runtime") or ""
    name = "index.py" if runtime.startswith("python") else "index.js"
    place = project_of(folder) / ".gatepost/inline" / function.logical_id
    try:
        hidden_folder(project_of(folder))
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        raise code.error(f"can't be written to {place}: {error}") from None
    return place
