#!/bin/sh
# format the C lines that you changed: [--since COMMIT] [--all]
#
# ./dev fmt                    lines changed since the last commit
# ./dev fmt --since main       and those of your branch
# ./dev fmt --all              whole files: tables that were laid out by hand lose their shape, so look at the difference
since=HEAD all=
while [ $# -gt 0 ]; do
    case $1 in
    --since) since=${2:?--since needs a commit}; shift 2 ;;
    --all) all=1; shift ;;
    *) echo "fmt: there is no option '$1'; see ./dev fmt --help" >&2; exit 2 ;;
    esac
done
need_packages clang-format
if [ -n "$all" ]; then
    find src include tests bench examples \( -name '*.[ch]' -o -name '*.cc' \) -print0 | xargs -0 clang-format -i
    exit 0
fi
git rev-parse -q --verify "$since^{commit}" >/dev/null || { echo "fmt: there is no commit '$since'" >&2; exit 2; }
tool=$(command -v git-clang-format || ls /usr/bin/git-clang-format-* 2>/dev/null | tail -1)
"$tool" --force --extensions c,h,cc "$since" || [ $? = 1 ] # 1: something was changed
