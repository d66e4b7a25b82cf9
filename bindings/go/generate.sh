#!/bin/bash
# Makes internal/raw/mlplat.go and mlplat_wrap.c anew from bindings/swig: ./generate.sh [FOLDER], with SWIG in $SWIG.
# tests/structure compares what is checked in with what this makes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
out=${1:-bindings/go/internal/raw}
"${SWIG:-swig}" -go -cgo -intgosize 64 -DSWIGWORDSIZE64 -package raw -Iinclude -Ibindings/swig -outdir "$out" \
  -o "$out/mlplat_wrap.c" bindings/swig/mlplat.i
