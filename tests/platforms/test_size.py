"""How large the whole library is; test_minimal.py has the other limit."""

from builds import RELEASE, largest, stripped_size

LIMIT = 1_000_000


def test_the_whole_library_is_under_a_megabyte(tmp_path):
    library = RELEASE / "libmlplat.so"
    size = stripped_size(library, tmp_path)
    print(f"libmlplat.so, stripped: {size} bytes of {LIMIT}")
    assert size < LIMIT, f"{size} bytes; the largest:\n{largest(library)}"
