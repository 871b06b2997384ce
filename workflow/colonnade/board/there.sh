# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh

# What runs on the board, in any POSIX shell: FOLDER COMMAND ARGUMENT... Files lie there by their SHA-256 until a day
# after their last use. A job is a folder: links to the files it reads, what it writes and, at last, its status. It
# goes on when the connection is lost, and waits while another one runs. Every answer is on stdout.
set -eu
umask 077
for tool in cat chmod date find flock kill ln mkdir mv nohup rm sha256sum sleep touch uname wc; do
    command -v "$tool" >/dev/null || { echo "$tool: no such program there; it is needed" >&2; exit 2; }
done
mkdir -p "$1"
cd "$1"
shift
mkdir -p store jobs

sum() {
    digest=$(sha256sum <"$1")
    printf '%s\n' "${digest%% *}"
}

# Whether the process that keeps a job still runs: since this boot, for numbers are given again.
alive() {
    [ -e "$1/keeper" ] && read -r pid boot <"$1/keeper" && [ "$boot" = "$(cat /proc/sys/kernel/random/boot_id)" ] &&
        kill -0 "$pid" 2>/dev/null
}

state() {
    if [ -e "jobs/$1/status" ]; then echo done; elif alive "jobs/$1"; then echo running; else echo none; fi
}

# Says the state of a job when it has ended, or after so many seconds.
finish() {
    last=$(($(date +%s) + $2))
    while [ "$(state "$1")" = running ] && [ "$(date +%s)" -lt "$last" ]; do sleep 0.05; done
    state "$1"
}

# Ends a job's program and its keeper.
stop() {
    ! alive "jobs/$1" || kill "$pid" || true
    [ ! -e "jobs/$1/program" ] || kill "$(cat "jobs/$1/program")" 2>/dev/null || true
    rm -rf "jobs/$1"
}

case $1 in
hello)
    find store jobs -mindepth 1 -maxdepth 1 -mtime +1 -exec rm -rf {} +
    uname -m
    ;;
missing) # of digests on stdin
    while read -r digest; do
        if [ -e "store/$digest" ]; then touch "store/$digest"; else echo "$digest"; fi
    done
    ;;
put) # DIGEST, content on stdin
    new=store/.$2.$$
    trap 'rm -f "$new"' EXIT
    cat >"$new"
    [ "$(sum "$new")" = "$2" ] || { echo "what came is not what was sent" >&2; exit 3; }
    chmod 500 "$new"
    mv "$new" "store/$2"
    ;;
start) # JOB SECONDS CPUS REST PROGRAM ARGUMENT..., then as wait; on stdin lines DIGEST NAME of what it reads, and
    # - NAME of folders
    job=$2 seconds=$3 cpus=$4 rest=$5 here=$PWD
    shift 5
    if [ "$(state "$job")" = none ]; then
        new=jobs/.$job.$$
        rm -rf "jobs/$job" "$new"
        mkdir -p "$new/files"
        while read -r digest name; do
            if [ "$digest" = - ]; then
                mkdir -p "$new/files/$name"
            else
                case $name in */*) mkdir -p "$new/files/${name%/*}" ;; esac
                ln -s "$here/store/$digest" "$new/files/$name"
            fi
        done
        mv "$new" "jobs/$job"
        # shellcheck disable=SC2016
        nohup sh -c '
            job=$1 cpus=$2 rest=$3
            shift 3
            exec 9>lock
            flock 9
            cd "jobs/$job"
            sleep "$rest"
            cd files
            COLONNADE_CPUS=$cpus "$@" >../out 2>../err 9>&- &
            echo $! >../program
            status=0
            wait $! || status=$?
            cd ..
            rm -f program
            echo "$status" >status.new
            mv status.new status
        ' sh "$job" "$cpus" "$rest" "$@" </dev/null >/dev/null 2>"jobs/$job/keeper.err" &
        echo "$! $(cat /proc/sys/kernel/random/boot_id)" >"jobs/$job/keeper"
    fi
    finish "$job" "$seconds"
    ;;
wait) # JOB SECONDS
    finish "$2" "$3"
    ;;
fetch) # JOB NAME...: of each a line DIGEST SIZE, and what is in it
    cd "jobs/$2"
    shift 2
    for name in "$@"; do
        echo "$(sum "$name") $(($(wc -c <"$name")))"
        cat "$name"
    done
    ;;
drop) # JOB
    stop "$2"
    ;;
clean) # what is ours there, unless a job runs
    for each in jobs/*; do
        ! alive "$each" || { echo busy; exit; }
    done
    rm -rf store jobs lock
    rmdir "$PWD" 2>/dev/null || true
    echo clean
    ;;
esac
