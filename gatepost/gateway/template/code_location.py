"""Where the code of a function lies on this machine, which a template says in many ways.

Responsible for folders that are there: of SAM (`CodeUri`), `sam build`, the CDK's assets, and the
project beside a packaging folder or template. Code written into the template is put into
`.gatepost/inline` of the project, the only thing that reading a template writes; archives that are
nowhere unpacked and images are refused.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gatepost.gateway.template.part import Resource
    from gatepost.gateway.template.view import View

_PACKAGING: Final = frozenset({".serverless", ".osls", "cdk.out", ".aws-sam"})
"""Folders that tools write templates into, inside of the project."""

_NEIGHBOURS: Final = (".", "src", "lambda", "lambdas", "functions", "handlers")
"""Folders beside a template that the code of an archive may have been packed from."""

_INLINE_BYTES_MAX: Final = 4 * 1024 * 1024


def project_of(folder: Path) -> Path:
    """Return the project that a template's folder belongs to: the folder, or what it is within."""
    for candidate in (folder, folder.parent):
        if candidate.name in _PACKAGING:
            return candidate.parent
    return folder


def code_root(function: "Resource", folder: Path) -> Path:
    """Return the folder that the handler's path begins at; `folder` is the template's.

    Code in S3 lies where the values file says (`source_dir`), else where its handler's file is.
    Raises TemplateError for code that is not on this machine as a folder.
    """
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
        text = function.intrinsics.text(code) or ""
        if text.startswith(("s3://", "https://")):
            return _beside_archive(function, text, code, folder)
        return _folder(text, code, folder)
    return _from_mapping(function, code, folder)


def _names_function(code: "View") -> bool:
    key = next(iter(code.keys()), "")
    return key == "Ref" or key.startswith("Fn::")


def _from_mapping(function: "Resource", code: "View", folder: Path) -> Path:
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
        return _folder(asset.text(), asset, folder)
    view = part.get("S3Key") or part.get("Key")
    key = None if view is None else view.node.value
    return _beside_archive(function, key if isinstance(key, str) else "", code, folder)


def _beside_archive(function: "Resource", key: str, code: "View", folder: Path) -> Path:
    """Find the sources of an archive in S3: the CDK's asset, or the project it was packed from."""
    given = function.intrinsics.values.resources.get(function.logical_id, {}).get("source_dir")
    if given is not None:
        return _folder(given, code, folder)
    stem = Path(key).stem
    if (asset := folder / f"asset.{stem}").is_dir():
        return asset
    project = project_of(folder)
    if project != folder and folder.name != "cdk.out":
        return project
    handler = function.require_text("Handler")
    for name in (stem, *_NEIGHBOURS):
        if _has_module(folder / name, handler):
            return (folder / name).resolve()
    raise code.error(
        f"lies in S3, and the file of {handler} is not found beside the template: give the one in "
        ".aws-sam/build, cdk.out or .serverless, or the template as it is before it is packaged; "
        f"or name the folder in a file for --values: resources, {function.logical_id}, source_dir"
    )


def _has_module(folder: Path, handler: str) -> bool:
    module = handler.rpartition(".")[0].removeprefix("/")
    files = (f"{module.replace('.', '/')}.py", f"{module}.js", f"{module}.mjs", f"{module}.cjs")
    return any((folder / file).is_file() for file in files)


def _folder(text: str, at: "View", folder: Path) -> Path:
    path = folder / text
    try:
        if path.is_dir():
            return path.resolve()
        there = path.exists()
    except (OSError, ValueError):
        there = False
    if there:
        raise at.error(f"is {text}, a file: only folders are run; unpack it and name the folder")
    raise at.error(f"is {text}, which is not there")


def _inline(function: "Resource", code: "View", folder: Path) -> Path:
    """Write inline code where a debugger finds it, as Lambda does: `index.py` or `index.js`."""
    text = function.intrinsics.text(code) or ""
    if len(text) > _INLINE_BYTES_MAX:
        raise code.error("is too long")
    runtime = function.text("Runtime") or ""
    name = "index.py" if runtime.startswith("python") else "index.js"
    root = project_of(folder) / ".gatepost"
    place = root / "inline" / function.logical_id
    try:
        place.mkdir(parents=True, exist_ok=True)
        (root / ".gitignore").write_text("*\n", encoding="utf-8")
        (place / name).write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        raise code.error(f"can't be written to {place}: {error}") from None
    return place
