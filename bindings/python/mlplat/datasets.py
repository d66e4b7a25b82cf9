"""Datasets as MLflow describes them: name, digest, source, schema and profile of what a run has read.

The description is MLflow's own where it can be made exactly: digest and profile of a pandas DataFrame and of numpy
arrays, the schema of arrays of numbers and of a DataFrame whose columns are numbers, booleans and texts. Of anything
else with an Arrow interface (polars, pyarrow) the digest is ours: MD5 of the first 10,000 rows as an Arrow stream and
of the number of rows, 8 characters. Objects of mlflow.data are taken as they are.
"""

import sys

from . import doc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_ROWS = 10000  # MLflow looks at no more
_TYPES = {"int64": "long", "uint32": "long", "int32": "integer", "uint16": "integer", "int16": "integer",
          "uint8": "integer", "int8": "integer", "float64": "double", "float32": "float", "bool": "boolean"}


def describe(data: "Any" = None, *, name: "str | None" = None, digest: "str | None" = None, source: "Any" = None,
             source_type: "str | None" = None, schema: "Any" = None, profile: "Any" = None) -> "dict[str, Any]":
    """The "dataset" of mlplat_run_log_inputs: what is given, and of data what can be computed.

    data: a pandas or polars DataFrame, a pyarrow Table, a numpy array, a dataset of mlflow.data, or None.
    name: None: "dataset", as MLflow names it.
    digest: at most 36 characters; needed without data.
    source: a path or URI, or a JSON object, with source_type; None: the program.
    schema, profile: JSON objects, or texts.
    """
    if hasattr(data, "to_dict") and hasattr(data, "digest") and hasattr(data, "source"):
        known = data.to_dict()
    else:
        kind = _kind(data)
        known = {**_source(source, source_type), **(_known(kind, data) if kind else {})}
    given = {"name": name, "digest": digest, "schema": doc.optional_text(schema), "profile": doc.optional_text(profile)}
    result = {"name": "dataset", **known, **{key: value for key, value in given.items() if value is not None}}
    if not result.get("digest"):
        raise ValueError("a dataset needs a digest: give one, or its data (pandas, polars, pyarrow or numpy)")
    return {key: value for key, value in result.items() if value is not None}


def _kind(data: "Any") -> "str | None":
    """Which library an object is of; only libraries that the caller has loaded count."""
    if data is None:
        return None
    for module, name in (("pandas", "DataFrame"), ("numpy", "ndarray")):
        loaded = sys.modules.get(module)
        if loaded is not None and isinstance(data, getattr(loaded, name)):
            return module
    if hasattr(data, "__arrow_c_stream__"):
        return "arrow"
    raise TypeError(f"the data of a dataset is a pandas or polars DataFrame, a pyarrow Table or a numpy array, "
                    f"not {type(data).__name__}")


def _source(source: "Any", source_type: "str | None") -> "dict[str, str]":
    import json
    import os
    if source is None:
        program = sys.argv[0] if sys.argv and sys.argv[0] else sys.executable
        value: "dict[str, Any]" = {"tags": {"mlflow.source.name": program, "mlflow.source.type": "LOCAL"}}
        return {"source_type": source_type or "code", "source": json.dumps(value)}
    if not isinstance(source, (str, os.PathLike)):
        return {"source_type": source_type or "unknown", "source": json.dumps(source)}
    text = os.fspath(source)
    if source_type is not None and text[:1] in ("{", "["):
        return {"source_type": source_type, "source": text}
    scheme = text.split("://", 1)[0] if "://" in text else ""
    web = scheme in ("http", "https")
    kind = "http" if web else scheme if scheme not in ("", "file") else "local"
    return {"source_type": source_type or kind, "source": json.dumps({"url" if web else "uri": text})}


def _known(kind: str, data: "Any") -> "dict[str, str]":
    import json
    if kind == "pandas":
        columns = _columns(data)
        shape = {"num_rows": len(data), "num_elements": int(data.size)}
        known = {"digest": _pandas_digest(data), "profile": json.dumps(shape)}
        return {**known, "schema": json.dumps({"mlflow_colspec": columns})} if columns else known
    if kind == "numpy":
        shape = {"features_shape": data.shape, "features_size": data.size, "features_nbytes": data.nbytes}
        known = {"digest": _numpy_digest(data), "profile": json.dumps(shape)}
        spec = {"dtype": data.dtype.name, "shape": [-1, *data.shape[1:]]}
        schema = {"features": json.dumps([{"type": "tensor", "tensor-spec": spec}]), "targets": None}
        return {**known, "schema": json.dumps({"mlflow_tensorspec": schema})} if data.dtype.kind in "biuf" else known
    return _arrow(data)


def _md5(parts: "Iterable[Any]") -> str:
    import hashlib
    whole = hashlib.md5(usedforsecurity=False)
    for part in parts:
        whole.update(part)
    return whole.hexdigest()[:8]


def _pandas_digest(frame: "Any") -> str:
    """MLflow's: row hashes of the text and number columns, the number of rows, the names of all columns."""
    import numpy
    import pandas
    head = frame.head(_ROWS)
    texts = head.columns[((head.map if hasattr(head, "map") else head.applymap)(type) == str).all(axis=0)]
    kept = head[texts.union(head.select_dtypes(include=[numpy.number]).columns)]
    rows = pandas.util.hash_pandas_object(kept).values
    return _md5([rows, numpy.int64(len(frame)), *(str(name).encode() for name in frame.columns)])


def _numpy_digest(array: "Any") -> str:
    """MLflow's, which needs pandas; without it ours, over the same values."""
    import numpy
    flat = array.flatten()[:_ROWS]
    try:
        from pandas.util import hash_array
        try:
            hashed = hash_array(flat)
        except TypeError:
            hashed = numpy.int64(flat.size)
    except ImportError:
        hashed = flat.tobytes()
    return _md5([hashed, *(numpy.int64(length) for length in array.shape)])


def _columns(frame: "Any") -> "list[dict[str, Any]] | None":
    """MLflow's schema of a table, if every column is of a type that leaves no choice."""
    columns = []
    for name in frame.columns:
        column = frame[name] if frame.columns.is_unique else None
        if column is None or not isinstance(name, str):
            return None
        kind, present = _TYPES.get(str(column.dtype)), column.dropna()
        if kind is None and str(column.dtype) in ("object", "str", "string") and len(present) \
                and all(type(value) is str for value in present):
            kind = "string"
        if kind is None:
            return None
        columns.append({"type": kind, "name": name, "required": len(present) == len(column)})
    return columns or None


def _arrow(data: "Any") -> "dict[str, str]":
    """Ours: MLflow has no rule for Arrow tables, and polars' hashes change with its version."""
    import json
    try:
        import pyarrow
    except ImportError:
        raise TypeError("the digest of an Arrow table is computed with pyarrow, which is not there: give a digest") \
            from None
    table = pyarrow.table(data)
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema.remove_metadata()) as stream:
        stream.write_table(table.slice(0, _ROWS).combine_chunks().replace_schema_metadata(None))
    rows = table.num_rows
    return {"digest": _md5([sink.getvalue(), str(rows).encode()]),
            "profile": json.dumps({"num_rows": rows, "num_elements": rows * table.num_columns})}


def inputs(datasets: "Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]" = (),
           models: "Iterable[str]" = ()) -> str:
    """The document of mlplat_run_log_inputs, of (dataset, tags) and ids of logged models."""
    return doc.text({
        "datasets": [{"dataset": dict(dataset),
                      "tags": [{"key": key, "value": doc.as_text(value)} for key, value in tags.items()]}
                     for dataset, tags in datasets],
        "models": [{"model_id": model} for model in models]})
