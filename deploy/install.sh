#!/bin/bash
# Install onemap from this folder, or bring an installation up to date. No network is used.
# 从本目录安装或升级一张图，不使用网络。
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

usage() {
    cat <<'END'
sudo ./install.sh [--prefix DIR] [--with NAME]… [--no-debian] [--no-backup] [--dry-run]

  --prefix DIR   程序所在目录，默认 /opt/onemap | where the program goes, /opt/onemap by default
  --with NAME    另装 nginx 或 chrony | also install nginx or chrony
  --no-debian    不安装 Debian 软件包 | install no Debian packages
  --no-backup    升级前不备份 | make no backup before an upgrade
  --dry-run      只说明要做什么 | tell what would be done, and do nothing
END
}

prefix=/opt/onemap debian=1 backup=1 dry='' extra=()
while [ $# -gt 0 ]; do
    case $1 in
    --prefix) prefix=${2:?--prefix DIR}; shift ;;
    --prefix=*) prefix=${1#*=} ;;
    --with) extra+=("${2:?--with NAME}"); shift ;;
    --no-debian) debian='' ;;
    --no-backup) backup='' ;;
    --dry-run) dry=1 ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
    esac
    shift
done
packages=(postgresql-15 postgresql-15-postgis-3 python3 python3-venv tzdata ca-certificates
    fonts-noto-cjk "${extra[@]}")
user=onemap data=/var/lib/onemap settings=/etc/onemap/onemap.env units=/etc/systemd/system

say() { printf '\033[1m· %s\033[0m\n' "$*"; }
die() { printf '\n✗ %s\n✗ %s\n' "$1" "$2" >&2; exit 1; }
does() {
    if [ "$dry" ]; then printf '    %s\n' "$*"; else "$@"; fi
}

check_machine() {
    [ "$(id -u)" = 0 ] || [ "$dry" ] || die "请以 root 运行：sudo $0" "Run it as root: sudo $0"
    case $prefix in
    /*[!/]*) ;;
    *) die "--prefix 须为绝对路径：$prefix" "--prefix must be an absolute path: $prefix" ;;
    esac
    case $(uname -m) in
    x86_64 | aarch64) ;;
    *) die "不支持此处理器：$(uname -m)（可用 x86_64、aarch64）" \
        "This processor is not served: $(uname -m) (x86_64 and aarch64 are)" ;;
    esac
    local name
    for name in "${extra[@]}"; do
        case $name in
        nginx | chrony) ;;
        *) die "--with 只有 nginx 与 chrony，没有 $name" "--with knows nginx and chrony, not $name" ;;
        esac
    done
    [ -z "$debian" ] || (. /etc/os-release && [ "$ID-$VERSION_ID" = debian-12 ]) || die \
        "随附的软件包用于 Debian 12。其他系统请自备 PostgreSQL（含 PostGIS）与 Python 3.11，并加 --no-debian" \
        "The packages are for Debian 12. Elsewhere bring PostgreSQL with PostGIS and Python 3.11, and add --no-debian"
    [ -z "$debian" ] || [ -d "debian/dists/bookworm/main/binary-$(dpkg --print-architecture)" ] || die \
        "安装包里没有 $(dpkg --print-architecture) 的 Debian 软件包；请自备并加 --no-debian" \
        "The bundle has no Debian packages for $(dpkg --print-architecture); bring them and add --no-debian"
    local free
    free=$(df -Pm "$(nearest "$prefix")" | awk 'NR == 2 {print $4}')
    [ "$free" -ge 2500 ] || die "$prefix 所在磁盘只剩 $free MB，需要 2500 MB" \
        "The disk of $prefix has only $free MB left; 2500 MB are needed"
}

nearest() {
    local folder=$1
    while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
    echo "$folder"
}

check_sums() {
    say "校验文件 | checking the files"
    local bad
    bad=$(sha256sum --check --strict --quiet SHA256SUMS 2>&1) || die \
        "文件与校验和不符，请重新拷贝安装包：$bad" \
        "Files are not what they should be; copy the bundle anew: $bad"
}

# apt works out what is lacking. It reads this folder alone, and its own lists stay as they are.
install_debian() {
    [ "$debian" ] || return 0
    local name missing=()
    for name in "${packages[@]}"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
            missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "Debian 软件包 | Debian packages: ${missing[*]}"
    scratch=$(mktemp -d)
    mkdir -p "$scratch/lists/partial" "$scratch/cache/archives/partial"
    printf 'deb [trusted=yes] file:%s/debian bookworm main\n' "${PWD// /%20}" >"$scratch/sources.list"
    local apt=(apt-get -qq --yes --no-install-recommends --no-remove
        -o "Dir::State::lists=$scratch/lists" -o "Dir::Cache=$scratch/cache"
        -o "Dir::Etc::sourcelist=$scratch/sources.list" -o Dir::Etc::sourceparts=-
        -o APT::Sandbox::User=root -o APT::Get::List-Cleanup=0 -o Acquire::Languages=none
        -o Dpkg::Options::=--force-confold)
    "${apt[@]}" update
    if [ "$dry" ]; then
        "${apt[@]}" --simulate install "${missing[@]}" | sed -n 's/^Inst /    /p'
        return 0
    fi
    # A new PostgreSQL would make and start a cluster of its own that nobody here uses.
    local keep_out=/etc/postgresql-common/createcluster.d/onemap-install.conf failed=''
    mkdir -p "${keep_out%/*}"
    echo 'create_main_cluster = false' >"$keep_out"
    "${apt[@]}" install "${missing[@]}" >"$scratch/log" 2>&1 || failed=1
    rm -f "$keep_out"
    [ -z "$failed" ] || {
        tail -n 30 "$scratch/log" >&2
        die "Debian 软件包未能安装（见上）" "The Debian packages could not be installed (see above)"
    }
}

find_python() {
    local name
    for name in python3.11 python3; do
        "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' \
            2>/dev/null && { python=$name; return; }
    done
    [ "$dry" ] && { python=python3.11; return; }
    die "需要带 venv 的 Python 3.11" "Python 3.11 with its venv is needed"
}

# Each release has a folder named by what is in it. A link chooses one; so an upgrade is whole or
# not at all, and the release before it stays.
install_program() {
    find_python
    local id
    id=$(sed -n 's/^onemap\[server\]==\([^ ]*\) .*/\1/p' requirements.txt)
    id=$id-$(sha256sum requirements.txt | cut -c1-12)
    release=$prefix/releases/$id
    [ ! -e "$release/complete" ] || { say "程序已在 | the program is there: $release"; return 0; }
    say "程序 | the program: $release"
    does rm -rf "$release"
    does mkdir -p "$release"
    does "$python" -m venv "$release/venv"
    # Settings of pip on this machine may name an index; none is asked.
    does env -u PIP_FIND_LINKS -u PIP_REQUIREMENT PIP_CONFIG_FILE=/dev/null \
        "$release/venv/bin/python" -I -m pip install --quiet --disable-pip-version-check \
        --no-index --no-cache-dir --find-links wheels --require-hashes -r requirements.txt
    does "$release/venv/bin/python" -I -m pip check
    does "$release/venv/bin/onemap" --version
    does cp -r INSTALL.md LICENSE requirements.txt deploy "$release/"
    does touch "$release/complete"
}

make_user_and_folders() {
    id "$user" >/dev/null 2>&1 || {
        say "系统用户 | system user: $user"
        does useradd --system --user-group --home-dir "$data" --no-create-home \
            --shell /usr/sbin/nologin --comment 'onemap service' "$user"
    }
    [ -d "$data" ] || does install -d -o "$user" -g "$user" -m 750 "$data"
    [ -d /var/backups/onemap ] || does install -d -o "$user" -g "$user" -m 700 /var/backups/onemap
    [ -d /etc/onemap ] || does install -d -g "$user" -m 750 /etc/onemap
    [ -e "$settings" ] || does install -g "$user" -m 640 deploy/onemap.env "$settings"
}

running() { [ -d /run/systemd/system ] && systemctl is-active --quiet onemap.service; }

back_up() {
    [ "$backup" ] && [ "$(readlink "$prefix/venv" || true)" != "$release/venv" ] && running || return 0
    say "升级前备份 | a backup before the upgrade"
    does "$prefix/bin/onemap" backup /var/backups/onemap
}

switch() {
    local was
    was=$(readlink "$prefix/venv" || true)
    [ "$was" = "$release/venv" ] || {
        does ln -sfn "$release/venv" "$prefix/venv.new"
        does mv -T "$prefix/venv.new" "$prefix/venv"
        changed=1
    }
    # What was in use stays beside it; older ones go.
    local old
    for old in "$prefix"/releases/*; do
        [ ! -d "$old" ] || [ "$old" = "$release" ] || [ "$old/venv" = "$was" ] || does rm -rf "$old"
    done
    does mkdir -p "$prefix/bin"
    placed 755 deploy/onemap "$prefix/bin/onemap"
    does mkdir -p /usr/local/bin
    [ "$(readlink /usr/local/bin/onemap || true)" = "$prefix/bin/onemap" ] ||
        does ln -sfn "$prefix/bin/onemap" /usr/local/bin/onemap
    if [ -d "$units" ]; then
        placed 644 deploy/onemap.service "$units/onemap.service"
        placed 644 deploy/onemap-worker.service "$units/onemap-worker.service"
    fi
    [ -d /run/systemd/system ] || return 0
    does systemctl daemon-reload
    # A restart takes the private database from commands that are under way: not without need.
    if [ "$changed" ] && running; then
        say "停止服务，升级数据表，再启动 | stopping the service, upgrading its tables, starting it"
        does systemctl stop onemap.service
        does "$prefix/bin/onemap" db upgrade
        does systemctl start onemap.service
    fi
}

# Put a file in its place, with the prefix that was chosen.
placed() {
    if [ "$dry" ]; then
        echo "    $3"
        return
    fi
    sed "s|@PREFIX@|$prefix|g" "$2" >"$3.new"
    chmod "$1" "$3.new"
    if cmp -s "$3.new" "$3"; then
        rm "$3.new"
    else
        mv "$3.new" "$3"
        changed=1
    fi
}

next_steps() {
    [ -z "$dry" ] || { say "以上未执行 | nothing of this was done"; return 0; }
    cat <<END

安装完成。下一步：                                Installed. What comes next:
  1. 检查设置 | look at the settings              $settings
  2. 自检 | what is missing                       sudo onemap doctor
  3. 启动 | start                                 sudo systemctl enable --now onemap
  4. 首个管理员 | the first administrator         sudo onemap user create admin --role administrator --estate
  5. 反向代理与证书 | proxy and certificate       $release/deploy/nginx.conf
  说明 | the text                                 $release/INSTALL.md
END
}

scratch='' changed=''
trap '[ -z "$scratch" ] || rm -rf "$scratch"' EXIT
check_machine
check_sums
install_debian
make_user_and_folders
install_program
back_up
switch
next_steps
