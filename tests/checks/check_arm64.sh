#!/usr/bin/env bash
# The Raspberry Pi lines of docs/hosting.md in an arm64 Debian 12, emulated on this computer.
#
#   sudo env PATH="$PATH" tests/checks/check_arm64.sh [--root DIR] [--torch "torch<2.11 torchvision"]
#                                                     [--runner DIR]
#
# Makes the user space once (3 GB in --root, by default /var/tmp/mpm-arm64), installs this tree in it as that
# document says, segments a street, compares the mask with this computer's, waits until the page is ready.
# --torch installs that from pip's own index, for who cannot reach the one there: aarch64 wheels of torch
# before 2.11 are CPU builds there. --runner also tries a folder that `mpm export` wrote, with onnxruntime,
# numpy and Pillow alone. Exit status 1 where something fails. Emulated seconds say nothing of a Pi's.
set -euo pipefail

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
root=/var/tmp/mpm-arm64 torch="" runner=""
suite=bookworm home=/root/mpm-explorer street=assets/examples/high-street.jpg least_equal=0.999
page_limit_s=${PAGE_LIMIT_S:-900}
scratch="" page=""

main() {
  options "$@"
  check_host
  scratch=$(mktemp -d)
  trap clean EXIT
  make_user_space
  mount_kernel
  copy_settings
  copy_tree
  install
  step "segment" segment
  compare "$root/root/out"
  step "page ready" start_page
  cat "$scratch/health"
  if [[ -n $runner ]]; then
    step "runner" try_runner
    compare "$root/root/runner-out"
  fi
  echo "ok"
}

options() {
  while (($#)); do
    [[ $# -ge 2 ]] || fail "$1 needs a value."
    case $1 in
      --root) root=$(realpath -m "$2") ;;
      --torch) torch=$2 ;;
      --runner) runner=$(realpath -m "$2") ;;
      *) fail "Options are --root, --torch and --runner, but got $1." ;;
    esac
    shift 2
  done
  [[ -z $runner || -d $runner ]] || fail "There is no folder $runner."
}

fail() {
  echo "$*" >&2
  exit 1
}

check_host() {
  ((EUID == 0)) || fail "This needs root, for chroot and mounts."
  command -v debootstrap >/dev/null || fail "This needs debootstrap: apt-get install debootstrap."
  python3 -c "import torch, cv2, timm" 2>/dev/null || fail "This needs a python3 that has requirements.txt."
  local kinds=/proc/sys/fs/binfmt_misc
  [[ -e $kinds/register ]] || mount -t binfmt_misc binfmt_misc $kinds 2>/dev/null || true
  if [[ $(uname -m) != aarch64 && ! -e $kinds/qemu-aarch64 ]]; then
    update-binfmts --enable qemu-aarch64 2>/dev/null ||
      fail "This needs emulation: apt-get install qemu-user-static binfmt-support."
  fi
}

# What a step took, and its own words only where it failed. Steps must say `&&`: inside `if` bash goes on.
step() {
  local name=$1 start=$SECONDS
  shift
  if ! "$@" >"$scratch/log" 2>&1; then
    tail -n 25 "$scratch/log" >&2
    fail "This failed: $name."
  fi
  echo "$name: $((SECONDS - start)) s"
}

make_user_space() {
  [[ -e $root/made ]] && return
  mkdir -p "$root"
  # This computer's mirror, where it is a Debian of that name; else debootstrap's default.
  local mirror
  # shellcheck disable=SC2016 # these are apt's own names
  mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    sed -n "s/^$suite //p" | head -n 1)
  step "debootstrap" debootstrap --arch=arm64 --variant=minbase --include=ca-certificates \
    $suite "$root" ${mirror:+"$mirror"}
  touch "$root/made"
}

mount_kernel() {
  mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
  mountpoint -q "$root/dev" || mount --bind /dev "$root/dev"
}

clean() {
  [[ -z $page ]] || kill "$page" 2>/dev/null || true
  [[ -z $page ]] || wait "$page" 2>/dev/null || true
  umount -l "$root/dev" "$root/proc" 2>/dev/null || true
  rm -rf "$scratch"
}

# Mirrors, proxies and certificates of this computer, so that it works behind them, too.
copy_settings() {
  local file
  mkdir -p "$root/root/.config/pip"
  [[ ! -e ~/.config/pip/pip.conf ]] || cp ~/.config/pip/pip.conf "$root/root/.config/pip/"
  for file in /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
    [[ ! -e $file ]] || cp -L "$file" "$root$file"
  done
  if grep -qs "^VERSION_CODENAME=$suite" /etc/os-release; then
    rm -f "$root/etc/apt/sources.list"
    cp -rL /etc/apt/. "$root/etc/apt/"
    cp -rLn /usr/share/keyrings/. "$root/usr/share/keyrings/"
  fi
}

inside() {
  as_inside "$1"
  "${command[@]}"
}

# Sets `command`: bash in the user space, with what pip and apt must know of this computer's network.
as_inside() {
  local kept=() name
  for name in ${!PIP_*} ${!http@} ${!https@} ${!no_p@} ${!HTTP@} ${!NO_P@}; do
    # Folders of this computer hold wheels for its own processor.
    [[ $name == PIP_FIND_LINKS || $name == PIP_CONSTRAINT ]] || kept+=("$name=${!name}")
  done
  # A Pi 5's processor: for all that qemu 7.2 can do, NumPy's OpenBLAS picks kernels that give wrong products.
  # Bytecode comes when it is needed: to compile all of torch takes an emulated Pi ten minutes.
  command=(env -i QEMU_CPU=cortex-a76 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
    LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive HF_HUB_OFFLINE=1 PIP_NO_COMPILE=1 "${kept[@]}"
    chroot "$root" bash -euc "$1")
}

# What git would hand over, uncommitted changes included. The virtual environment stays.
copy_tree() {
  mkdir -p "$root$home"
  find "$root$home" -mindepth 1 -maxdepth 1 ! -name .venv ! -name .installed -exec rm -rf {} +
  git -C "$tree" ls-files -z --cached --others --exclude-standard |
    tar -C "$tree" --null --ignore-failed-read -cf - -T - 2>/dev/null | tar -C "$root$home" -xf -
}

pi_lines() {
  sed -n '/^## Raspberry Pi 5/,/^## /s/^    //p' "$tree/docs/hosting.md"
}

install() {
  local packages venv requirements wheels stamp
  packages=$(pi_lines | sed -n 's/^sudo //p')
  venv=$(pi_lines | grep '^python3 -m venv')
  wheels=$(pi_lines | grep '^pip install torch')
  requirements=$(pi_lines | grep '^pip install -r')
  # shellcheck disable=SC2086 # one word a package
  [[ -z $torch ]] || wheels=$(printf 'pip install %s' "$(printf '%q ' $torch)")
  # The same OpenCV, timm and numpy as here: masks are to differ by the processor alone.
  pip_freeze >"$root/root/constraints.txt"
  stamp=$(cat "$tree/requirements.txt" "$root/root/constraints.txt" <(echo "$packages $venv $wheels") | sha256sum)
  [[ $stamp != "$(cat "$root$home/.installed" 2>/dev/null)" ]] || return 0
  step "apt-get" inside "apt-get update -q && $packages"
  step "venv" inside "cd $home; $venv"
  step "install torch" inside "cd $home; . .venv/bin/activate; $wheels -c /root/constraints.txt"
  step "install the requirements" inside "cd $home; . .venv/bin/activate; $requirements -c /root/constraints.txt"
  echo "$stamp" >"$root$home/.installed"
}

pip_freeze() {
  python3 - <<'PY'
from importlib.metadata import version
for name in ("numpy", "opencv-python", "timm", "pillow"):
    print(f"{name}=={version(name)}")
PY
}

segment() {
  local line="python -m mpm segment $street --recipe 2,5 --overwrite --output-dir"
  (cd "$tree" && HF_HUB_OFFLINE=1 ${line/#python/python3} "$scratch/here") &&
    inside "cd $home; . .venv/bin/activate; $line /root/out"
}

compare() {
  python3 "$tree/tests/support/compare_runs.py" "$scratch/here" "$1" $least_equal ||
    fail "The masks of the two processors differ too much."
}

start_page() {
  local port start=$SECONDS
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])')
  as_inside "cd $home; . .venv/bin/activate; exec $(pi_lines | grep '^python app.py') --port $port"
  "${command[@]}" &
  page=$!
  until health "$port"; do
    if ! kill -0 $page || ((SECONDS - start > page_limit_s)); then
      echo "The page ended, or was not ready after $page_limit_s s."
      return 1
    fi
    sleep 2
  done
}

health() {
  python3 - "$1" >"$scratch/health" 2>/dev/null <<'PY'
import sys, urllib.request
print("/health:", urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/health", timeout=60).read().decode())
PY
}

# What an exported folder must be able to do where torch is not: its runner segments the street.
try_runner() {
  rm -rf "$root/root/runner" "$root/root/runner-out"
  cp -r "$runner" "$root/root/runner" && mkdir "$root/root/runner-out" &&
    inside "[[ -d /root/bare ]] || python3 -m venv /root/bare
      . /root/bare/bin/activate
      pip install -q onnxruntime numpy pillow
      python /root/runner/run.py $home/$street --output /root/runner-out/street.mask.png"
}

main "$@"
