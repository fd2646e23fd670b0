#!/usr/bin/env bash
# install_packages.sh GROUP...: installs what is missing of the groups of tools/packages. Prints the apt command and
# runs it when root; otherwise says what is missing and fails. Silent when everything is there.
# Packages of another architecture (name:arm64) are not installed: whoever builds, root or not, gets them unpacked into
# build/packages/arm64, and the system does not learn of that architecture.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
unpacked=$here/../build/packages

# there PACKAGE PROBE: true when the package that the probe stands for is installed, from a package or by hand.
there() {
    local what=${2#*:}
    case $2 in
        command:*) command -v "$what" >/dev/null ;;
        module:*) pkg-config --exists "$what" 2>/dev/null ;;
        header:*) echo "#include <$what>" | "${CC:-cc}" -E - >/dev/null 2>&1 ;;
        file:*) [ -e "$what" ] ;;
        unpacked:*) [ -e "$unpacked/${1#*:}/$what" ] ;;
        *) echo "tools/packages: unknown probe $2" >&2; exit 2 ;;
    esac
}

# unpack ARCHITECTURE PACKAGE:ARCHITECTURE...: with apt's sources and keys, but lists of packages of our own, so that neither
# root nor a foreign architecture of the system is needed. The lists are as quickly fetched as forgotten.
unpack() {
    local architecture=$1 folder package
    shift
    folder=$(mktemp -d "${TMPDIR:-/tmp}/canto-packages.XXXXXX")
    # shellcheck disable=SC2064 # the folder of now
    trap "rm -rf '$folder'" EXIT
    mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial" "$folder/new"
    local apt=(apt-get -q -o "APT::Architecture=$architecture" -o "APT::Architectures=$architecture"
        -o "Dir::State::Lists=$folder/lists" -o Dir::State::Status=/dev/null -o "Dir::Cache=$folder/cache"
        -o "APT::Sandbox::User=$(id -un)")
    echo "apt-get download $* (unpacked into build/packages/$architecture)"
    "${apt[@]}" update
    (cd "$folder/cache" && "${apt[@]}" download "${@%%:*}")
    for package in "$folder"/cache/*.deb; do dpkg-deb -x "$package" "$folder/new"; done
    mkdir -p "$unpacked"
    rm -rf "${unpacked:?}/$architecture"
    mv "$folder/new" "$unpacked/$architecture"
    rm -rf "$folder"
}

missing=()
declare -A foreign=() incomplete=()
while read -r group package probe; do
    case $group in '' | '#'*) continue ;; esac
    for wanted in "$@"; do
        [ "$group" = "$wanted" ] || continue
        case $package in
            *:*)
                foreign[${package#*:}]+=" $package"
                there "$package" "$probe" || incomplete[${package#*:}]=1
                ;;
            *) there "$package" "$probe" || missing+=("$package") ;;
        esac
    done
done <"$here/packages"
[ $((${#missing[@]} + ${#incomplete[@]})) -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
    for architecture in "${!incomplete[@]}"; do missing+=("${foreign[$architecture]# }"); done
    echo "These packages are needed (Debian's names): ${missing[*]}" >&2
    echo "apt-get is not here: install them, or their counterparts, with this system's own tool, and try again." >&2
    exit 1
fi
if [ ${#missing[@]} -gt 0 ]; then
    command=(apt-get install -y --no-install-recommends "${missing[@]}")
    echo "${command[*]}"
    if [ "$(id -u)" != 0 ]; then
        echo "Only root may install packages: run the command above as root (sudo ...), and try again." >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    "${command[@]}"
fi
for architecture in "${!incomplete[@]}"; do
    # shellcheck disable=SC2086 # words
    unpack "$architecture" ${foreign[$architecture]}
done
