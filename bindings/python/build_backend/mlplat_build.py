"""The build backend: scikit-build-core, with the C sources where they are.

In the repository they lie two folders up. A source distribution can only hold what is below its own root, so there
they lie in _source/, and a build from it uses that folder.
"""

import contextlib
import os
import pathlib
import shutil
import tempfile

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


def _copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*", "*.pyc", "*.so"))
    else:
        shutil.copy2(source, target)


@contextlib.contextmanager
def _whole():
    """A folder with this one's content and the C sources below it, as the current one. An unpacked source distribution
    is one already."""
    if COPY.exists():
        yield
        return
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        whole = pathlib.Path(folder) / ROOT.name
        _copy(ROOT, whole)
        for name in SOURCES:
            _copy(REPOSITORY / name, whole / COPY.name / name)
        os.chdir(whole)
        try:
            yield
        finally:
            os.chdir(before)


def get_requires_for_build_sdist(config_settings=None):
    return _build.get_requires_for_build_sdist(config_settings)


def get_requires_for_build_wheel(config_settings=None):
    return _build.get_requires_for_build_wheel(_settings(config_settings))


def get_requires_for_build_editable(config_settings=None):
    return _build.get_requires_for_build_editable(_settings(config_settings))


def build_sdist(sdist_directory, config_settings=None):
    target = os.path.abspath(sdist_directory)
    with _whole():
        return _build.build_sdist(target, config_settings)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return _build.build_wheel(wheel_directory, _settings(config_settings), metadata_directory)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return _build.build_editable(wheel_directory, _settings(config_settings), metadata_directory)


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    return _build.prepare_metadata_for_build_wheel(metadata_directory, _settings(config_settings))


def prepare_metadata_for_build_editable(metadata_directory, config_settings=None):
    return _build.prepare_metadata_for_build_editable(metadata_directory, _settings(config_settings))
