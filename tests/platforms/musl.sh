#!/bin/bash
# musl.sh FOLDER   builds what libmlplat is linked with, and cmocka, for musl: from Debian's sources into FOLDER/usr.
# They are made to be tested with: a low level of optimization, and no more of them than is needed.
set -euo pipefail

folder=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source=$folder/source
prefix=$folder/usr
export CC=musl-gcc CFLAGS='-O1 -fPIC' # one object for the shared library and the static one

"$here/debian.sh" "$source" source sqlite3 jansson libyaml libzstd cmocka

by_cmake() {
  cmake -S "$source/$1" -B "$folder/$1" -G Ninja -DCMAKE_BUILD_TYPE= -DCMAKE_INSTALL_PREFIX="$prefix" \
    -DCMAKE_INSTALL_LIBDIR=lib -DBUILD_SHARED_LIBS=OFF -DBUILD_TESTING=OFF "${@:2}" >"$folder/$1.log"
  cmake --build "$folder/$1" --target install >>"$folder/$1.log"
}

# pc NAME VERSION LIBRARY: where the sources make none, or with another place in it.
pc() {
  printf 'Name: %s\nDescription: for musl\nVersion: %s\nLibs: -L%s -l%s\nCflags: -I%s\n' "$1" "$2" "$prefix/lib" "$3" \
    "$prefix/include" >"$prefix/lib/pkgconfig/$1.pc"
}

version() { sed -n "s/^Version: *\([^-+]*\).*/\1/p" "$source/apt/$1"_*.dsc; }

sqlite() {
  mkdir -p "$folder/sqlite3"
  cd "$folder/sqlite3"
  CC=gcc "$source/sqlite3/configure" --disable-readline --disable-tcl >"$folder/sqlite3.log"
  make sqlite3.c BCC=gcc >>"$folder/sqlite3.log"
  $CC $CFLAGS -DSQLITE_THREADSAFE=1 -DSQLITE_ENABLE_FTS5 -DSQLITE_OMIT_LOAD_EXTENSION -c sqlite3.c
  ar rcs "$prefix/lib/libsqlite3.a" sqlite3.o
  $CC -shared -Wl,-soname,libsqlite3.so.0 sqlite3.o -o "$prefix/lib/libsqlite3.so.0"
  ln -sf libsqlite3.so.0 "$prefix/lib/libsqlite3.so" # tests take the place of some of its functions
  cp sqlite3.h "$prefix/include"
  pc sqlite3 "$(version sqlite3)" sqlite3
}

zstd() {
  make -C "$source/libzstd/lib" PREFIX="$prefix" BUILD_DIR="$folder/libzstd" ZSTD_LEGACY_SUPPORT=0 \
    install-static install-includes install-pc >"$folder/libzstd.log"
}

others() {
  by_cmake jansson -DJANSSON_BUILD_DOCS=OFF -DJANSSON_WITHOUT_TESTS=ON -DJANSSON_EXAMPLES=OFF
  by_cmake libyaml
  pc yaml-0.1 "$(version libyaml)" yaml
  by_cmake cmocka -DWITH_STATIC_LIB=ON -DWITH_EXAMPLES=OFF
  rm -f "$prefix"/lib/libcmocka.so*
  ln -sf libcmocka-static.a "$prefix/lib/libcmocka.a"
}

# The kernel's own headers, which musl-gcc does not look for.
headers() {
  local name
  for name in linux asm-generic; do ln -sfn "/usr/include/$name" "$prefix/include/$name"; done
  ln -sfn "/usr/include/$(gcc -print-multiarch)/asm" "$prefix/include/asm"
}

mkdir -p "$prefix/lib/pkgconfig" "$prefix/include"
headers
(zstd; others) &
other=$!
sqlite
wait $other
