#!/bin/bash
# Install onemap from this folder, or bring an installation up to date. No network is used.
# 从本目录安装或升级一张图，不使用网络。
set -euo pipefail
# Whatever the machine's own is: the service's user reads what root puts here.
umask 022
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
tell() { printf '\n✗ %s\n✗ %s\n' "$1" "$2" >&2; }
die() { tell "$@"; exit 1; }
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

# Each release has a folder named by what is in it. A link chooses one, another tells which was
# before it; so an upgrade is whole or not at all, and can be gone back on.
install_program() {
    find_python
    local id
    id=$(sed -n 's/^onemap\[server\]==\([^ ]*\) .*/\1/p' requirements.txt)
    id=$id-$(sha256sum requirements.txt | cut -c1-12)
    release=$prefix/releases/$id
    does mkdir -p "$prefix/releases" "$prefix/bin"
    does chmod a+rx "$prefix" "$prefix/releases" "$prefix/bin"
    if [ -e "$release/complete" ] && runs >/dev/null 2>&1; then
        say "程序已在 | the program is there: $release"
    else
        build_program
    fi
    # These may be newer than the program.
    does cp -r INSTALL.md LICENSE requirements.txt deploy "$release/"
    does chmod -R u=rwX,go=rX "$release/deploy"
    placed 755 deploy/onemap "$release/onemap" "$release"
}

build_program() {
    say "程序 | the program: $release"
    does rm -rf "$release"
    does mkdir -p "$release"
    does "$python" -m venv "$release/venv"
    # Settings of pip on this machine may name an index; none is asked.
    does env -u PIP_FIND_LINKS -u PIP_REQUIREMENT PIP_CONFIG_FILE=/dev/null \
        "$release/venv/bin/python" -I -m pip install --quiet --disable-pip-version-check \
        --no-index --no-cache-dir --find-links wheels --require-hashes -r requirements.txt
    does "$release/venv/bin/python" -I -m pip check
    [ "$dry" ] || runs || die "用户 $user 无法运行程序（见上）；请检查 $prefix 及其上级目录的权限" \
        "The user $user cannot run the program (see above); look at the permissions of $prefix and of the folders above"
    does touch "$release/complete"
}

# As the service will: not as root, to whom every folder is open.
runs() { (cd / && runuser -u "$user" -- "$release/venv/bin/onemap" --version); }

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

# How the tables are to the program that is coming (none, older, current, newer), and their revision.
look_at_tables() {
    local told
    told=$(coming db status --json) || return
    told=$("$release/venv/bin/python" -I -c \
        'import json, sys; told = json.load(sys.stdin); print(told["tables"], told["revision"])' \
        <<<"$told") || return
    tables=${told% *} revision=${told#* }
}

# The command of the program that is coming, with the service's user and settings.
coming() { (cd / && "$release/onemap" "$@"); }

# The units that are to run: those that do, and those that try to again and again.
find_running() {
    running=()
    [ -d /run/systemd/system ] || return 0
    local unit
    for unit in onemap.service onemap-worker.service; do
        case $(systemctl show -p ActiveState --value "$unit") in
        inactive | failed) ;;
        *) running+=("$unit") ;;
        esac
    done
}

# What is to be done follows from the link and from the tables, not from what runs: an upgrade that
# was broken off is taken up again, and a service that stands still gets its tables too.
bring_up_to_date() {
    was=$(readlink "$prefix/venv" || true) previous=$(readlink "$prefix/previous" || true)
    former=$was
    [ "$was" != "$release/venv" ] || former=$previous
    [ -x "$former/bin/onemap" ] || former=''
    if [ "$dry" ]; then
        printf '    %s\n' "$prefix/venv -> $release/venv" "$prefix/bin/onemap" \
            "$units/onemap.service" "$units/onemap-worker.service" "onemap backup; onemap db upgrade"
        return
    fi
    look_at_tables || {
        [ -z "$was" ] || die "无法得知数据表的状态（见上），未作任何改动，原程序照旧。请先使数据库可用" \
            "The state of the tables cannot be told (see above); nothing was changed and the program is as it was. Make the database available first"
        say "数据库尚不可用（见上）；启动前请先使其可用 | the database is not available yet (see above)"
        tables=none
    }
    [ "$tables" != newer ] || die "数据表（$revision）来自更新的程序，未作任何改动。请安装较新的版本；要退回，见 INSTALL.md" \
        "The tables ($revision) are of a newer program; nothing was changed. Install the newer version; to go back, see INSTALL.md"
    find_running
    if [ "$was" != "$release/venv" ] || [ "$tables" = older ]; then
        upgrade
        return
    fi
    changed=''
    choose "$release"
    # A restart takes the private database from commands that are under way: not without need.
    [ -z "$changed" ] || [ ${#running[@]} -eq 0 ] || systemctl restart "${running[@]}"
}

upgrade() {
    undo=1
    if [ ${#running[@]} -gt 0 ]; then
        say "停止 | stopping: ${running[*]}"
        systemctl stop "${running[@]}"
    fi
    # Once nothing writes any more, so that what is gone back to is all there was.
    [ -z "$backup" ] || [ "$tables" = none ] || back_up
    [ -z "$former" ] || point "$prefix/previous" "$former"
    choose "$release"
    if [ "$tables" != none ]; then
        say "更新数据表 | bringing the tables up to date"
        coming db upgrade
    fi
    start_again
    undo=''
    [ "$was" = "$release/venv" ] || forget_older
}

# By the program that made the tables, which is the one that may have to restore them.
back_up() {
    say "升级前备份 | a backup before the upgrade"
    local folder=$release
    if [ "$tables" = older ] && [ "$former" ]; then
        folder=${former%/venv}
        placed 755 "$folder/deploy/onemap" "$folder/onemap" "$folder"
    fi
    (cd / && "$folder/onemap" backup /var/backups/onemap) || die \
        "升级前的备份未能完成（见上）。请消除原因；或自行备份，再加 --no-backup" \
        "The backup before the upgrade could not be made (see above). Mend the cause; or make one yourself and add --no-backup"
}

start_again() {
    [ ${#running[@]} -gt 0 ] || return 0
    say "启动 | starting: ${running[*]}"
    systemctl start "${running[@]}"
}

# Let a release be the one that is used: the link, the command and the units are its.
choose() {
    point "$prefix/venv" "$1/venv"
    placed 755 "$1/deploy/onemap" "$prefix/bin/onemap" "$prefix"
    mkdir -p /usr/local/bin
    point /usr/local/bin/onemap "$prefix/bin/onemap"
    if [ -d "$units" ]; then
        placed 644 "$1/deploy/onemap.service" "$units/onemap.service" "$prefix"
        placed 644 "$1/deploy/onemap-worker.service" "$units/onemap-worker.service" "$prefix"
    fi
    [ ! -d /run/systemd/system ] || systemctl daemon-reload
}

point() {
    [ "$(readlink "$1" || true)" != "$2" ] || return 0
    ln -sfn "$2" "$1.new"
    mv -T "$1.new" "$1"
    changed=1
}

# Put a file in its place, with the folder of the program that it names.
placed() {
    if [ "$dry" ]; then
        echo "    $3"
        return
    fi
    sed "s|@PREFIX@|$4|g" "$2" >"$3.new" || return
    chmod "$1" "$3.new"
    if cmp -s "$3.new" "$3"; then
        rm "$3.new"
    else
        mv "$3.new" "$3"
        changed=1
    fi
}

# What was in use before stays; older releases go.
forget_older() {
    local old
    for old in "$prefix"/releases/*; do
        [ ! -d "$old" ] || [ "$old" = "$release" ] ||
            [ "$old/venv" = "$(readlink "$prefix/previous" || true)" ] || rm -rf "$old"
    done
}

# An upgrade was broken off. The tables change whole or not at all: they tell which program fits.
put_back() {
    set +e
    trap '' HUP INT TERM PIPE
    local before=$revision fits=$release
    look_at_tables || revision=$before
    if [ "$former" ] && [ "$revision" = "$before" ]; then
        fits=${former%/venv}
        choose "$fits"
        if [ "$previous" ]; then point "$prefix/previous" "$previous"; else rm -f "$prefix/previous"; fi
    fi
    local zh='' en=''
    if ! start_again; then
        zh="服务未能启动，请看 journalctl -u onemap -u onemap-worker。"
        en="The services could not be started: see journalctl -u onemap -u onemap-worker. "
    elif [ ${#running[@]} -gt 0 ]; then
        zh="已重新启动 ${running[*]}。" en="Started again: ${running[*]}. "
    fi
    if [ "$fits" = "$release" ]; then
        tell "升级未走完（原因见上）；$fits 留用。${zh}消除原因后请再运行本程序" \
            "The upgrade did not come to its end (see above); $fits stays in use. ${en}Mend the cause and run this again"
    else
        tell "升级未成（原因见上），数据表未变，已换回 $fits。${zh}消除原因后请再运行本程序" \
            "The upgrade failed (see above); the tables are as they were and $fits is back. ${en}Mend the cause and run this again"
    fi
}

ended() {
    [ -z "$scratch" ] || rm -rf "$scratch"
    [ -z "$undo" ] || put_back
}

next_steps() {
    [ -z "$dry" ] || { say "以上未执行 | nothing of this was done"; return 0; }
    if [ "$was" ]; then
        printf '\n%s\n' "已是最新 | up to date: $release"
        [ ${#running[@]} -eq 0 ] || printf '%s\n' "在运行 | running: ${running[*]}"
        [ ${#running[@]} -gt 0 ] || printf '%s\n' \
            "服务此前未在运行，未予启动 | no service was running and none was started: sudo systemctl start onemap"
        printf '%s\n' "退回与说明 | going back, and the text: $release/INSTALL.md"
        return
    fi
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

scratch='' changed='' undo='' was='' former='' previous='' tables='' revision='' running=()
trap ended EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM
check_machine
check_sums
install_debian
make_user_and_folders
install_program
bring_up_to_date
next_steps
