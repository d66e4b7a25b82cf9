#!/bin/bash
# debian.sh FOLDER ARCH PACKAGE...     unpacks Debian's packages for another architecture below FOLDER
# debian.sh FOLDER source PACKAGE...   unpacks the sources of Debian's packages as FOLDER/PACKAGE
# With lists and a cache of packages of its own in FOLDER/apt: the host's stay as they are, nothing is installed.
set -euo pipefail

folder=$1 arch=$2
shift 2
mkdir -p "$folder/apt/state/lists/partial" "$folder/apt/cache/archives/partial" "$folder/apt/sources"
: >"$folder/apt/state/status"
kind=deb
[ "$arch" != source ] || kind=deb-src arch=$(dpkg --print-architecture)

# The host's own places; archives of other makers are left aside.
if [ -e /etc/apt/sources.list.d/debian.sources ]; then
  sed "s/^Types:.*/Types: $kind/" /etc/apt/sources.list.d/debian.sources >"$folder/apt/sources/debian.sources"
else
  sed -n "s/^deb /$kind /p" /etc/apt/sources.list >"$folder/apt/sources/debian.list"
fi

apt() {
  apt-get -qq -o "APT::Architecture=$arch" -o "APT::Architectures::=$arch" -o "Dir::State=$folder/apt/state" \
    -o "Dir::State::status=$folder/apt/state/status" -o "Dir::Cache=$folder/apt/cache" -o APT::Sandbox::User=root \
    -o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$folder/apt/sources" "$@"
}

apt update
cd "$folder/apt"
if [ $kind = deb ]; then
  apt download "$@"
  for package in *.deb; do dpkg-deb -x "$package" "$folder"; done
else
  apt source --download-only "$@"
  for package in "$@"; do
    [ -e "$folder/$package" ] || dpkg-source --no-check -x "$package"_*.dsc "$folder/$package"
  done
fi
