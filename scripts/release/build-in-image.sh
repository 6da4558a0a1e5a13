#!/bin/sh
# Builds the addon inside a plain AlmaLinux or Alpine image, for .github/workflows/release.yml. The repository is the
# working directory; node_modules is there already.
set -eu

if [ -f /etc/alpine-release ]; then
  apk add --no-cache bash build-base cmake linux-headers perl rustup
  rustup-init -y --profile minimal
  # A shared library needs the C library of the machine it is loaded on, not one of its own.
  export RUSTFLAGS='-C target-feature=-crt-static'
else
  dnf install -y cmake curl gcc gcc-c++ make perl-core
  dnf module install -y nodejs:20
  curl --proto '=https' --tlsv1.2 -fsS https://sh.rustup.rs | sh -s -- -y --profile minimal
fi
PATH="$HOME/.cargo/bin:$PATH"
CARGO_TARGET_DIR=/tmp/target node scripts/build.js
