#!/bin/sh
# Installs libhufu-gate for C compilers: header, static and shared library, pkg-config and CMake files.
#
#   cargo build --profile firmware -p hufu-gatekit
#   engine/checks/gatekit/packaging/install.sh target/firmware /usr/local
#
# With --offline before them, for libraries that were built with `--features offline`.
# DESTDIR stands before the prefix, as with make install.
set -eu

defines=
if [ "${1:-}" = --offline ]; then
    defines=HUFU_GATE_OFFLINE
    shift
fi
if [ $# -ne 2 ]; then
    echo "usage: install.sh [--offline] FOLDER_OF_THE_LIBRARIES PREFIX" >&2
    exit 2
fi
built=$1 prefix=$2
kit=$(cd "$(dirname "$0")/.." && pwd)
version=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"$/\1/p' "$kit/../../../Cargo.toml")
to=${DESTDIR:-}$prefix

for file in "$built/libhufu_gate_kit.a" "$built/libhufu_gate_kit.so"; do
    if [ ! -f "$file" ]; then
        echo "install.sh: there is no $file: build it first" >&2
        exit 2
    fi
done
if [ -n "$defines" ] && ! grep -q hufu_offline_open "$built/libhufu_gate_kit.so"; then
    echo "install.sh: $built/libhufu_gate_kit.so decides nothing without a network: build it with --features offline" >&2
    exit 2
fi
install -d "$to/include" "$to/lib/pkgconfig" "$to/lib/cmake/hufu-gate"
install -m 644 "$kit/include/hufu_gate.h" "$to/include/"
install -m 644 "$built/libhufu_gate_kit.a" "$to/lib/libhufu_gate.a"
install -m 755 "$built/libhufu_gate_kit.so" "$to/lib/libhufu_gate.so.$version"
ln -sf "libhufu_gate.so.$version" "$to/lib/libhufu_gate.so.0"
ln -sf libhufu_gate.so.0 "$to/lib/libhufu_gate.so"
sed -e "s|@PREFIX@|$prefix|" -e "s|@VERSION@|$version|" -e "s|@DEFINES@|${defines:+ -D$defines}|" \
    "$kit/packaging/hufu-gate.pc.in" \
    > "$to/lib/pkgconfig/hufu-gate.pc"
sed -e "s|@DEFINES@|$defines|" "$kit/packaging/hufu-gateConfig.cmake.in" \
    > "$to/lib/cmake/hufu-gate/hufu-gateConfig.cmake"
cat > "$to/lib/cmake/hufu-gate/hufu-gateConfigVersion.cmake" <<END
set(PACKAGE_VERSION "$version")
if(PACKAGE_FIND_VERSION VERSION_LESS_EQUAL PACKAGE_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
END
