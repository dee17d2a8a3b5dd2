#!/usr/bin/env bash
# Everything between a fresh clone and a build: which packages the feed holds, native library, npm packages, build in Release.
# Runs again for nothing when nothing changed. Progress goes to standard error.
#   eng/setup.sh          all of it, tests included
#   eng/setup.sh --app    what ./run needs
#   eng/setup.sh --bench  what ./bench needs, which builds for itself
#   eng/setup.sh --probe  ask the package feed again
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
stamps=artifacts/setup
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 MSBUILDDISABLENODEREUSE=1

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

require_tools() {
    command -v dotnet >/dev/null || die "the .NET 10 SDK is missing; install it and see that 'dotnet' is on the PATH."
    command -v node >/dev/null && command -v npm >/dev/null || die "Node.js 20 or later with npm is missing; install it and see that 'node' is on the PATH."
}

# Writes Feed.props. A package that no source holds means a sparse feed; any other failure is the network's.
probe_feed() {
    local wanted log
    wanted=$(sha256sum Directory.Packages.props | cut -d' ' -f1)
    [[ -f Feed.props && $(cat "$stamps/feed" 2>/dev/null) == "$wanted" ]] && return
    say "asking the package feed for the official packages ..."
    rm -rf artifacts/probe && mkdir -p artifacts/probe
    echo '<Project />' | tee artifacts/probe/Directory.Build.props > artifacts/probe/Directory.Build.targets
    echo '<Project><Import Project="../../Directory.Packages.props" /></Project>' > artifacts/probe/Directory.Packages.props
    cat > artifacts/probe/Probe.csproj <<'PROJECT'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework>
    <NuGetAudit>false</NuGetAudit>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Microsoft.Azure.Functions.Worker" />
    <PackageReference Include="Microsoft.Azure.Functions.Worker.Extensions.Kafka" />
    <PackageReference Include="Microsoft.Azure.Functions.Worker.Extensions.DurableTask" />
    <PackageReference Include="Azure.Data.Tables" />
    <PackageReference Include="Azure.Storage.Blobs" />
    <PackageReference Include="Confluent.Kafka" />
  </ItemGroup>
</Project>
PROJECT
    log=artifacts/probe/restore.log
    local sparse=false
    if ! dotnet restore artifacts/probe/Probe.csproj --nologo > "$log" 2>&1 9>&-; then
        grep -qE 'NU110[123]' "$log" || { cat "$log" >&2; die "the package feed did not answer; see the lines above, mend the connection or NuGet.Config, and run again."; }
        sparse=true
    fi
    printf '<Project>\n  <PropertyGroup>\n    <SparseFeed>%s</SparseFeed>\n  </PropertyGroup>\n</Project>\n' "$sparse" > Feed.props
    echo "$wanted" > "$stamps/feed"
    if [[ $sparse == true ]]; then say "the package feed is sparse: building with the stand-ins of eng/sparse-feed."
    else say "the package feed is complete: building with the official packages."; fi
}

# On a sparse feed Kafka's native library is Debian's; otherwise it comes with the package.
install_librdkafka() {
    grep -q '<SparseFeed>true' Feed.props || return 0
    compgen -G '/usr/lib/*/librdkafka.so.1' >/dev/null || compgen -G '/usr/local/lib/librdkafka.so.1' >/dev/null && return
    command -v apt-get >/dev/null || die "librdkafka.so.1 is missing and this is no Debian; install librdkafka 2.0 or later."
    [[ $(id -u) == 0 ]] || die "librdkafka1 is missing and only root can install it; run 'apt-get install librdkafka1' as root, then run again."
    say "installing librdkafka1 ..."
    local log=$stamps/apt.log
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends librdkafka1; } > "$log" 2>&1 9>&- \
        || { tail -n 20 "$log" >&2; die "apt-get could not install librdkafka1; see the lines above."; }
}

# The page is tested in a real browser; without one those tests are skipped with the reason.
install_chromium() {
    compgen -G '/usr/bin/chromium*' >/dev/null || command -v google-chrome >/dev/null && return
    command -v apt-get >/dev/null && [[ $(id -u) == 0 ]] || { say "there is no Chromium, and only root on Debian can have it installed; tests of the page will be skipped."; return; }
    say "installing chromium ..."
    local log=$stamps/chromium.log
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium; } > "$log" 2>&1 9>&- \
        || say "chromium could not be installed (see $log); tests of the page will be skipped."
}

# npm ci beside every committed lock file that the mode needs, unless its lock is the one installed.
install_node_packages() {
    local lock folder wanted log=$root/$stamps/npm.log places
    case $1 in
        all) places=(eng/node eng/page tests) ;;
        app) places=(eng/node eng/page) ;;
        bench) places=(tests/Delta.Tests/readers tests/EndToEnd/oracle) ;; # DuckDB
    esac
    while IFS= read -r lock; do
        folder=$(dirname "$lock")
        wanted=$(sha256sum "$lock" | cut -d' ' -f1)
        [[ $(cat "$folder/node_modules/.lock-stamp" 2>/dev/null) == "$wanted" ]] && continue
        say "npm ci in $folder ..."
        (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error) > "$log" 2>&1 9>&- || { grep -m 20 'npm error' "$log" >&2 || tail -n 20 "$log" >&2; die "npm ci failed in $folder; see the lines above and $stamps/npm.log."; }
        echo "$wanted" > "$folder/node_modules/.lock-stamp"
    done < <(find "${places[@]}" \( -name node_modules -o -name bin -o -name obj \) -prune -o -name package-lock.json -print | sort)
}

# Folders count too, so that a deleted file is noticed.
changed_since() {
    [[ ! -f $1 ]] && return 0
    [[ -n $(find src eng tests \( -name node_modules -o -name bin -o -name obj -o -name TestResults \) -prune -o -newer "$1" -print -quit) ]] && return 0
    [[ -n $(find . -maxdepth 1 -type f \( -name '*.props' -o -name '*.targets' -o -name '*.sln' -o -name '*settings.json' -o -name host.json -o -name .editorconfig \) -newer "$1" -print -quit) ]]
}

build() {
    local target=Functions.sln stamp=$stamps/built-all
    if [[ $1 == app ]]; then
        target=src/LocalHost/LocalHost.csproj
        [[ $stamps/built-all -nt $stamps/built-app ]] && stamp=$stamps/built-all || stamp=$stamps/built-app
    fi
    changed_since "$stamp" || return 0
    say "building $target in Release ..."
    touch "$stamps/started"
    dotnet build "$target" -c Release --nologo -v m >&2 9>&- || die "the build failed; see the lines above."
    # A source that was edited during the build is newer than this moment and will be built next time.
    mv "$stamps/started" "$stamps/built-$1"
    settle_folders "$stamps/built-$1"
}

# The build made bin and obj folders, which touched their parents; without this the next run would build for nothing.
settle_folders() {
    find src eng tests -type d \( -name node_modules -o -name bin -o -name obj \) -prune -o -type d -newer "$1" -print0 | xargs -0 -r touch -r "$1"
}

mode=all
case ${1:-} in
    '') ;;
    --app) mode=app ;;
    --bench) mode=bench ;;
    --probe) rm -f Feed.props ;;
    *) die "unknown option '$1'; use --app, --bench, --probe or none." ;;
esac
mkdir -p "$stamps"
# Children get no copy of the lock (9>&-): a compiler server outlives this script.
exec 9> "$stamps/lock"
flock -n 9 || { say "waiting for another set-up in this folder ..."; flock 9; }
require_tools
probe_feed
[[ $mode == bench ]] || install_librdkafka
[[ $mode == all ]] && install_chromium
install_node_packages "$mode"
[[ $mode == bench ]] || build "$mode"
