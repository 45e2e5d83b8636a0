# PostGIS, and for the tests Chromium, nginx and a CJK font, from Debian. Sourced by tools/setup.

python=$(command -v python3.11 || command -v python3 || true)

find_missing_packages() {
    missing=()
    compgen -G '/usr/share/postgresql/*/extension/postgis.control' >/dev/null ||
        missing+=(postgresql-15 postgresql-15-postgis-3)
    "$python" -c 'import ensurepip, venv' 2>/dev/null || [ -x "$venv/bin/pip" ] ||
        missing+=("$(basename "$(readlink -f "$python")")-venv")
    if [ "$goal" = test ]; then
        command -v chromium >/dev/null || missing+=(chromium)
        command -v nginx >/dev/null || missing+=(nginx-light)
        # The browser tests' driver is a Node of its own that needs it, and Chromium does not.
        compgen -G '/usr/lib/*/libatomic.so.1' >/dev/null || missing+=(libatomic1)
        compgen -G '/usr/share/fonts/*/noto/NotoSansCJK*' >/dev/null || missing+=(fonts-noto-cjk)
    fi
}

install_system_packages() {
    [ -n "$python" ] || die \
        "Python 3.11 或更新版本未安装。请运行：apt-get install python3" \
        "Python 3.11 or newer is missing. Run: apt-get install python3"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die \
        "需要 Python 3.11 或更新版本，现有版本：$("$python" -V)" \
        "Python 3.11 or newer is needed; found $("$python" -V)"
    find_missing_packages
    [ ${#missing[@]} -gt 0 ] || return 0

    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || refuse_system_packages
        as_root=(sudo)
    fi
    command -v apt-get >/dev/null || refuse_system_packages
    say "Debian packages: ${missing[*]}"

    # A new Debian server would create and start a cluster of its own that nobody here uses.
    # The file is there during this installation only; clusters that exist are not touched.
    local keep_out=/etc/postgresql-common/createcluster.d/onemap-setup.conf
    "${as_root[@]}" mkdir -p "$(dirname "$keep_out")"
    echo 'create_main_cluster = false' | "${as_root[@]}" tee "$keep_out" >/dev/null
    local failed=0
    "${as_root[@]}" apt-get -qq update &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
            apt-get -qq install -y --no-install-recommends "${missing[@]}" >.stamps/apt.log 2>&1 ||
        failed=1
    "${as_root[@]}" rm -f "$keep_out"
    if [ "$failed" = 1 ]; then
        tail -n 20 .stamps/apt.log >&2 || true
        refuse_system_packages
    fi
}

refuse_system_packages() {
    die "缺少系统软件包：${missing[*]}。请以管理员身份运行：apt-get install ${missing[*]}，然后重试。" \
        "System packages are missing: ${missing[*]}. As administrator run: apt-get install ${missing[*]} – then try again."
}
