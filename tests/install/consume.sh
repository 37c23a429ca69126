#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# consume.sh WAY BUILD_DIR COMPILER: has corvid in one WAY (install find_package pkg_config build_tree subdirectory), then builds
# and runs consumer/ on it.
set -eu
way=$1 build=$2 cxx=$3
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$build/install_test/$way
prefix=$build/install_test/prefix
rm -rf "$work"
mkdir -p "$work"

with_cmake() {
    cmake -S "$here/consumer" -B "$work" -G Ninja -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_BUILD_TYPE=Debug "$@"
    cmake --build "$work"
    "$work/consumer"
}

case $way in
install)
    rm -rf "$prefix"
    cmake --install "$build" --prefix "$prefix"
    test -s "$prefix/share/corvid/alerts/corvid.rules.yml"
    ;;
find_package) with_cmake -DCMAKE_PREFIX_PATH="$prefix" ;;
build_tree) with_cmake -Dcorvid_DIR="$build" ;;
subdirectory)
    with_cmake -DCORVID_SOURCE_DIR="$root" -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache || true)" \
        -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=8 -DCMAKE_CXX_FLAGS_DEBUG=-O0
    ;;
pkg_config)
    # One unit with every installed header: what an installed header includes must be installed, too.
    pc=$(find "$prefix" -name corvid.pc)
    PKG_CONFIG_PATH=$(dirname "$pc")
    export PKG_CONFIG_PATH
    (cd "$prefix/include" && find corvid -name '*.hpp' | sort | sed 's/.*/#include <&>/') >"$work/all.hpp"
    # shellcheck disable=SC2046
    "$cxx" -std=c++23 -include "$work/all.hpp" "$here/consumer/consumer.cpp" -o "$work/consumer" \
        $(pkg-config --cflags --libs corvid)
    LD_LIBRARY_PATH=$(dirname "$(dirname "$pc")") "$work/consumer"
    ;;
*)
    echo "consume.sh knows no way '$way'" >&2
    exit 2
    ;;
esac
