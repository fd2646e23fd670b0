#!/usr/bin/env bash
# install_packages.sh GROUP...: installs what is missing of the groups of tools/packages. Prints the apt command and
# runs it when root; otherwise says what is missing and fails. Silent when everything is there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

# there PROBE: true when the package that the probe stands for is installed, from a package or by hand.
there() {
    local what=${1#*:}
    case $1 in
        command:*) command -v "$what" >/dev/null ;;
        module:*) pkg-config --exists "$what" 2>/dev/null ;;
        header:*) echo "#include <$what>" | "${CC:-cc}" -E - >/dev/null 2>&1 ;;
        file:*) [ -e "$what" ] ;;
        *) echo "tools/packages: unknown probe $1" >&2; exit 2 ;;
    esac
}

missing=()
while read -r group package probe; do
    case $group in '' | '#'*) continue ;; esac
    for wanted in "$@"; do
        if [ "$group" = "$wanted" ] && ! there "$probe"; then missing+=("$package"); fi
    done
done <"$here/packages"
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "These packages are needed (Debian's names): ${missing[*]}" >&2
    echo "apt-get is not here: install them, or their counterparts, with this system's own tool, and try again." >&2
    exit 1
fi
command=(apt-get install -y --no-install-recommends "${missing[@]}")
echo "${command[*]}"
if [ "$(id -u)" != 0 ]; then
    echo "Only root may install packages: run the command above as root (sudo ...), and try again." >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
"${command[@]}"
