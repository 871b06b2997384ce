# Functions of the build steps; sourced, never run. Works in the current root file system as root.
# shellcheck shell=sh
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
. "$(dirname "$0")/../versions.env"

# A line that the engines show as progress.
step() {
    echo "==> $*"
}

# Suite, upstream version and SHA-256 of one source package: see SOURCES in versions.env.
pinned() {
    printf '%s' "$SOURCES" | awk -v name="$1" '$1 == name { print $2, $3, $4 }'
}

# The mirror is the one the base image already uses: no host name is written down here.
mirror() {
    {
        sed -n 's/^deb  *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\) .*/\2/p' /etc/apt/sources.list 2>/dev/null || true
        sed -n 's/^URIs: *\([^ ]*\).*/\1/p' /etc/apt/sources.list.d/*.sources 2>/dev/null || true
    } | head -n 1
}

refresh_packages() {
    step "reading the package lists"
    printf '%s\n' 'path-exclude=/usr/share/doc/*' 'path-exclude=/usr/share/man/*' \
        'path-exclude=/usr/share/locale/*' > /etc/dpkg/dpkg.cfg.d/colonnade
    uri=$(mirror)
    [ -n "$uri" ] || { echo "error: /etc/apt: no package source found in the base image" >&2; exit 1; }
    for suite in $(printf '%s' "$SOURCES" | awk '{ print $2 }' | sort -u); do
        printf 'Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main\n' "$uri" "$suite"
        # Mirrors let sid's Release file expire; the tarballs are checked against a pinned SHA-256.
        [ "$suite" = "$SUITE" ] || echo 'Check-Valid-Until: no'
        echo
    done > /etc/apt/sources.list.d/colonnade.sources
    apt-get update -qq
}

install_packages() {
    step "installing $(echo "$1" | wc -w) pinned packages and what they need"
    # shellcheck disable=SC2086 # a list of words
    apt-get install -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 $1
}

# Download one pinned source package, verify it, and unpack it to /usr/src/NAME.
unpack_source() {
    name=$1
    # shellcheck disable=SC2046 # three words
    set -- $(pinned "$name")
    upstream=$2 sha256=$3
    step "source of $name $upstream"
    version=$(apt-cache showsrc --only-source "$name" |
        awk -v upstream="$upstream" '$1 == "Version:" {
            plain = $2; sub(/^[0-9]+:/, "", plain)
            if (index(plain, upstream "-") == 1 || plain == upstream) { print $2; exit } }')
    if [ -z "$version" ]; then
        echo "error: versions.env: SOURCES: $name $upstream: the Debian archive no longer has it" >&2
        exit 1
    fi
    work=$(mktemp -d)
    # apt downloads as its own user, who cannot write here: let it stay root.
    (cd "$work" && apt-get -o APT::Sandbox::User=root source -qq --tar-only "$name=$version")
    tarball=$(echo "$work/${name}_"*.orig.tar.*)
    if ! echo "$sha256  $tarball" | sha256sum --check --status; then
        echo "error: versions.env: SOURCES: $name: the tarball has SHA-256" \
            "$(sha256sum "$tarball" | cut -d' ' -f1), not $sha256" >&2
        exit 1
    fi
    mkdir -p "$work/tree" "/usr/src/$name"
    tar -xf "$tarball" -C "$work/tree" --no-same-owner
    # Some of these tarballs are flat, others have one top directory.
    top=$work/tree
    [ "$(ls -A "$top" | wc -l)" -eq 1 ] && top=$(echo "$work"/tree/*)
    cp -a "$top/." "/usr/src/$name/"
    rm -rf "$work"
}

remove_package_lists() {
    apt-get clean
    rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt /var/log/dpkg.log \
        /etc/apt/sources.list.d/colonnade.sources
}
