# The virtual environment and the locked Python packages. Sourced by tools/setup.

make_virtual_environment() {
    "$venv/bin/python" -m pip --version >/dev/null 2>&1 || {
        say "virtual environment"
        "$python" -m venv --clear "$venv"
    }
    mkdir -p "$stamps"
}

# What pip was told about its index, proxy and certificates, by file or by environment.
pip_setting() {
    "$venv/bin/python" -m pip config list 2>/dev/null |
        sed -n "s/^[^=]*\.$1='\(.*\)'\$/\1/p" | tail -n 1 | sed 's/\\n/ /g'
}

# uv has settings of its own; it is handed pip's, so that one place is enough.
set_from_pip() {
    local value
    [ -z "${!1:-}" ] || return 0
    value=$(pip_setting "$2")
    [ -z "$value" ] || export "$1=$value"
}

install_packages() {
    "$venv/bin/python" -m pip install -q --disable-pip-version-check --require-hashes \
        -r requirements/uv.txt || return 1
    (
        set_from_pip UV_DEFAULT_INDEX index-url
        set_from_pip UV_INDEX extra-index-url
        set_from_pip UV_INSECURE_HOST trusted-host
        set_from_pip SSL_CERT_FILE cert
        set_from_pip HTTPS_PROXY proxy
        export UV_LINK_MODE=${UV_LINK_MODE:-copy}
        "$venv/bin/uv" pip install -q --python "$venv/bin/python" --require-hashes -r "$1"
    ) && return 0
    say "uv did not succeed; trying pip"
    "$venv/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r "$1"
}

install_python_packages() {
    local lock=requirements/$goal.txt stamp=$stamps/python-$goal want test_want
    want=$(cat "$lock" pyproject.toml | sha256sum)
    test_want=$(cat requirements/test.txt pyproject.toml | sha256sum)
    # The tests' packages contain those of a plain run.
    [ "$(cat "$stamps/python-test" 2>/dev/null)" != "$test_want" ] || return 0
    [ "$(cat "$stamp" 2>/dev/null)" != "$want" ] || return 0
    say "Python packages ($lock)"
    rm -f "$stamps"/python-*
    install_packages "$lock" || die \
        "Python 软件包安装失败。请检查网络和 pip 的设置，然后重试。" \
        "The Python packages could not be installed. Check the network and pip's settings, then try again."
    "$venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps --no-index \
        --no-build-isolation -e .
    echo "$want" >"$stamp"
}
