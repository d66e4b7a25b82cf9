"""Tables, images and figures for a run's artifacts, from what the caller has: pandas, polars, pyarrow, numpy, Pillow,
matplotlib, plotly. None of them is imported unless the caller did, but for Pillow, which encodes images."""

import sys

from . import doc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_SMALL = 256  # pixels of the larger side of an image in a list, as MLflow makes it


def _is(value: "Any", module: str, name: str) -> bool:
    loaded: "Any" = sys.modules.get(module)
    return loaded is not None and isinstance(value, getattr(loaded, name))


# ---- tables ----------------------------------------------------------------------------------------------------------


def table_text(data: "Any", image: "Callable[[Any], dict[str, str]]") -> str:
    """{"columns", "data"} of a data frame, an Arrow table, or a dict of columns or of one row. An image in a cell
    becomes what `image` makes of it."""
    if _is(data, "pandas", "DataFrame"):
        for name in data.columns:
            if str(data[name].dtype) == "object" and len(data) and all(map(is_image, data[name])):
                data = data.assign(**{name: data[name].map(image)})
        return data.to_json(orient="split", index=False, date_format="iso")
    columns = _columns(data)
    rows = max(map(len, columns.values()), default=0)
    if any(len(values) != rows for values in columns.values()):
        raise ValueError("the columns of a table are of different lengths")
    plain = {name: [image(value) if is_image(value) else _cell(value) for value in values]
             for name, values in columns.items()}
    return doc.text({"columns": list(plain), "data": [list(row) for row in zip(*plain.values())]})


def _columns(data: "Any") -> "dict[str, list[Any]]":
    if hasattr(data, "to_pydict"):
        return data.to_pydict()
    if hasattr(data, "__arrow_c_stream__") and hasattr(data, "to_dict"):
        return data.to_dict(as_series=False)
    if not hasattr(data, "items"):
        raise TypeError(f"a table is a data frame, an Arrow table or a dict of columns, not {type(data).__name__}")
    if not any(_is_column(value) for value in data.values()):
        return {str(name): [value] for name, value in data.items()}
    return {str(name): list(value) for name, value in data.items()}


def _is_column(value: "Any") -> bool:
    return not isinstance(value, (str, bytes, dict)) and hasattr(value, "__iter__") and not is_image(value)


def _cell(value: "Any") -> "Any":
    if isinstance(value, float) and value - value != 0:
        return None  # as pandas writes NaN and infinities
    return value.isoformat() if hasattr(value, "isoformat") else value


# ---- images ----------------------------------------------------------------------------------------------------------


def is_image(value: "Any") -> bool:
    """MLflow's rule: what can be saved and resized and has a size."""
    return callable(getattr(value, "save", None)) and callable(getattr(value, "resize", None)) \
        and hasattr(value, "size")


def encode(image: "Any", format: str) -> bytes:
    """The bytes of an image's file: "png", "webp", "jpeg"."""
    import io
    out = io.BytesIO()
    picture = pillow(image)
    try:
        picture.save(out, format)
    except KeyError:
        raise ValueError(f"Pillow writes no image whose name ends in .{format}: take .png, .jpg or .webp") from None
    return out.getvalue()


def small(image: "Any") -> bytes:
    """The WebP that lists show: the larger side is 256 pixels."""
    picture = pillow(image)
    width, height = picture.size
    size = (_SMALL, max(int(height * (_SMALL / width)), 1)) if width > height else \
        (max(int(width * (_SMALL / height)), 1), _SMALL)
    return encode(picture.resize(size), "webp")


def pillow(image: "Any") -> "Any":
    """A Pillow image of one, of MLflow's, or of an array of numpy."""
    if hasattr(image, "to_pil"):
        return image.to_pil()
    if not _is(image, "numpy", "ndarray"):
        if is_image(image):
            return image
        raise TypeError(f"an image is a numpy array or a Pillow image, or its file's bytes, not "
                        f"{type(image).__name__}")
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3, 4)) \
            or image.dtype.kind not in "biuf":
        raise ValueError(f"an image is an array of numbers of the shape (height, width) or (height, width, 1, 3 or 4), "
                         f"not {image.shape} of {image.dtype}")
    from PIL import Image
    return Image.fromarray(_pixels(image[:, :, 0] if image.ndim == 3 and image.shape[2] == 1 else image))


def _pixels(array: "Any") -> "Any":
    """As bytes: whole numbers are 0 to 255, others 0 to 1; what goes beyond 0 to 1 is stretched, as MLflow does."""
    whole = array.dtype.kind in "iu"
    low, high = array.min(), array.max()
    if low < 0 or high > (255 if whole else 1):
        if whole:
            raise ValueError(f"pixels of whole numbers are 0 to 255, and these are {low} to {high}")
        array = (array - low) / (high - low)
    return (array if whole else array * 255).astype("uint8")


# ---- figures ---------------------------------------------------------------------------------------------------------


def figure_bytes(figure: "Any", name: str, options: "dict[str, Any]") -> bytes:
    """A figure of matplotlib or plotly as the file that the name asks for."""
    import io
    ending = name.rsplit(".", 1)[-1] if "." in name.rsplit("/", 1)[-1] else ""
    if _is(figure, "matplotlib.figure", "Figure"):
        out = io.BytesIO()
        figure.savefig(out, format=ending or None, **options)
        return out.getvalue()
    if "plotly" in sys.modules and hasattr(figure, "write_html"):
        if ending == "html":
            return figure.to_html(**{"include_plotlyjs": "cdn", **options}).encode()
        if ending in ("png", "jpeg", "webp", "svg", "pdf"):
            return figure.to_image(format=ending, **options)
        raise ValueError(f"a plotly figure becomes .html, .png, .jpeg, .webp, .svg or .pdf, not {name!r}")
    raise TypeError(f"a figure is matplotlib's or plotly's, not {type(figure).__name__}")
