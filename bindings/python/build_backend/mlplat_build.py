"""The build backend: scikit-build-core, with the C sources where they are.

In the repository they lie two folders up. A source distribution can only hold what is below its own root, so there
they are copied to _source/, and a build from it uses that folder.
"""

import contextlib
import pathlib
import shutil

from scikit_build_core import build as _build

ROOT = pathlib.Path(__file__).resolve().parent.parent
REPOSITORY = ROOT.parent.parent
COPY = ROOT / "_source"
SOURCES = ["CMakeLists.txt", "LICENSE", "cmake", "include", "libmlplat", "pkgconfig", "bindings/swig",
           "bindings/python/CMakeLists.txt", "bindings/python/mlplat"]


def _settings(given):
    settings = dict(given or {})
    if (COPY / "CMakeLists.txt").exists():
        settings.setdefault("cmake.source-dir", "_source")
    return settings


@contextlib.contextmanager
def _sources():
    """The C sources below this folder, for as long as the distribution is made. From an unpacked one they are there."""
    if COPY.exists():
        yield
        return
    try:
        for name in SOURCES:
            source, target = REPOSITORY / name, COPY / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", "*.so"))
            else:
                shutil.copy2(source, target)
        yield
    finally:
        shutil.rmtree(COPY, ignore_errors=True)


def get_requires_for_build_sdist(config_settings=None):
    return _build.get_requires_for_build_sdist(config_settings)


def get_requires_for_build_wheel(config_settings=None):
    return _build.get_requires_for_build_wheel(_settings(config_settings))


def get_requires_for_build_editable(config_settings=None):
    return _build.get_requires_for_build_editable(_settings(config_settings))


def build_sdist(sdist_directory, config_settings=None):
    with _sources():
        return _build.build_sdist(sdist_directory, config_settings)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return _build.build_wheel(wheel_directory, _settings(config_settings), metadata_directory)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return _build.build_editable(wheel_directory, _settings(config_settings), metadata_directory)


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    return _build.prepare_metadata_for_build_wheel(metadata_directory, _settings(config_settings))


def prepare_metadata_for_build_editable(metadata_directory, config_settings=None):
    return _build.prepare_metadata_for_build_editable(metadata_directory, _settings(config_settings))
