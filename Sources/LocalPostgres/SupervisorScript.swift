/// What the supervising shell runs: it answers commands that come line by line on its standard input, and cleans up at
/// the end of that input, however its owner ended.
///
/// Each command is answered by one line, `ok VALUE` or `failed`; before `failed`, lines that begin with `| ` say why.
/// It is bash's, since `wait` of Debian's dash does not notice a child that was killed before.
/// Arguments: the folder of PostgreSQL's programs, the folder to make the cluster's folder in.
enum SupervisorScript {
    static let text = #"""
        programs=$1
        umask 077
        # A write to an owner that is gone must not end this script before it has cleaned up.
        trap '' PIPE HUP INT
        dir=$(mktemp -d "$2/godwit-postgres.XXXXXX" 2>/dev/null) || {
            read -r line
            printf '| no folder can be made in %s by user %s\nfailed\n' "$2" "$(id -un)"
            exit 1
        }
        cd "$dir" || exit 1
        data=$dir/data
        log=$dir/log
        : >"$log"

        server=
        running() { [ -n "$server" ] && [ -d "/proc/$server" ] && ! grep -q '^State:.Z' "/proc/$server/status"; }
        # The server is this shell's own child, so that its end is waited for, and no zombie is left where process 1 reaps none.
        launch() {
            offset=$(wc -c <"$log")
            "$programs/postgres" -D "$data" </dev/null >>"$log" 2>&1 &
            server=$!
            until "$programs/pg_isready" -t 1 -h "$dir" -p "$port" </dev/null >/dev/null 2>&1; do
                running || { wait "$server"; server=; return 1; }
                sleep 0.03
            done
        }
        # After a kill -9 of the postmaster its backends may hold the shared memory for a moment more.
        start() {
            tries=0
            until launch; do
                tries=$((tries + 1))
                tail -c "+$((offset + 1))" "$log" | grep -q 'pre-existing shared memory' || return 1
                [ "$tries" -lt 50 ] || return 1
                sleep 0.1
            done
        }
        halt() {
            [ -n "$server" ] || return 0
            kill -"$1" "$server" 2>/dev/null
            timeout 30 tail -s 0.02 --pid="$server" -f /dev/null || kill -QUIT "$server"
            wait "$server"
            server=
        }
        clean() {
            halt INT
            cd / && rm -rf "$dir"
        }
        trap clean EXIT
        trap 'exit 0' TERM

        ok() { printf 'ok %s\n' "$1"; }
        failed() { tail -n 12 "$log" | cut -c 1-400 | sed 's/^/| /'; echo failed; }

        while IFS= read -r line; do
            word=${line%% *}
            rest=${line#* }
            case $word in
            folder) ok "$dir" ;;
            password)
                printf '%s\n' "$rest" >"$dir/password"
                ok ;;
            initdb)
                passwords=
                [ "$rest" = trust ] || passwords=--pwfile=$dir/password
                if "$programs/initdb" -D "$data" -U postgres -E UTF8 --locale=C.UTF-8 --no-sync --auth-local=trust \
                    --auth-host="$rest" ${passwords:+"$passwords"} </dev/null >>"$log" 2>&1
                then
                    printf "unix_socket_directories = '%s'\n" "$dir" >>"$data/postgresql.conf"
                    ok
                else failed; fi
                rm -f "$dir/password" ;;
            set)
                printf '%s\n' "$rest" >>"$data/postgresql.conf"
                ok ;;
            port)
                port=$rest
                printf 'port = %s\n' "$rest" >>"$data/postgresql.conf"
                ok ;;
            start)
                if running || start; then ok "$server"; else failed; fi ;;
            stop)
                halt "$rest"
                ok ;;
            *)
                echo "| unknown command: $word"
                echo failed ;;
            esac
        done
        """#
}
