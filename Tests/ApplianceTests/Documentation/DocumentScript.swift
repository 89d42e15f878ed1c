/// A page as one script for bash: its blocks in their order, as a reader would type them.
///
/// - `sh` runs as it is; `godwit run` and `godwit dev` stay in the background until the page's end, since a reader has
///   them in another terminal. `make` and `swift run godwit` show only that there is such a thing.
/// - `yaml` becomes the file `godwit.yaml`, or that which its first line names: `# NAME.yaml`. Where it has no database it is
///   added to the file. The configuration is right each time.
/// - `sql` is for psql, at the database of the page.
/// - Everything else, and what is marked as another machine's, is left out.
struct DocumentScript {
    static let prelude = """
        set -euo pipefail
        # What the tests themselves are told is nothing to the program, which warns of variables that it does not know.
        unset GODWIT_BROWSER_TESTS GODWIT_POOLER_TESTS GODWIT_SEED GODWIT_TEST_KAFKA GODWIT_TEST_POSTGRES
        pids=()
        godwit() {
            case "${1:-}" in
                run | dev)
                    "$PAGE_PROGRAM" "$@" </dev/null >>relay.log 2>&1 &
                    pids+=($!)
                    # A reader's next command comes later than that.
                    until grep -q owned relay.log; do kill -0 $! && sleep 0.1; done ;;
                parked)
                    # A reader looks when there is something to see.
                    if [ "$2" = list ]; then
                        until "$PAGE_PROGRAM" "$@" --json | grep -q aggregate; do sleep 0.2; done
                    fi
                    "$PAGE_PROGRAM" "$@" ;;
                *) "$PAGE_PROGRAM" "$@" ;;
            esac
        }
        # A topic is made when its first record comes.
        kcat() {
            until command kcat -L -b "$3" -t "$5" | grep -q 'partition 0, leader'; do sleep 0.1; done
            command kcat "$@"
        }
        make() { command make --dry-run --directory "$PAGE_ROOT" "$@" >/dev/null; }
        swift() {
            [ "$1 $2" = "run godwit" ]
            "$PAGE_PROGRAM" "${@:3}" --help >/dev/null
        }
        finish() {
            local status=$?
            trap - EXIT
            for pid in "${pids[@]}"; do kill -TERM "$pid" || status=90; done
            for pid in "${pids[@]}"; do wait "$pid" || status=91; done
            if [ $status -ne 0 ] && [ -f relay.log ]; then cat relay.log >&2; fi
            exit $status
        }
        trap finish EXIT

        """

    static func text(of document: Document, replacing names: [(String, String)]) -> String {
        var script = prelude
        for block in document.blocks where block.elsewhere == nil {
            script += "echo '== \(document.path):\(block.line)' >&2\n"
            switch block.language {
            case "sh": script += block.content
            case "yaml":
                let file = fileName(block)
                script += "cat \(block.content.contains("database:\n") ? ">" : ">>")\(file) <<'END_OF_YAML'\n"
                script += "\(block.content)END_OF_YAML\ngodwit config check --config \(file)\n"
            case "sql":
                script += "psql -Xqb -v ON_ERROR_STOP=1 \"$DATABASE_URL\" <<'END_OF_SQL'\n"
                script += "\(block.content)END_OF_SQL\n"
            default: break
            }
        }
        for (name, value) in names { script = script.replacing(name, with: value) }
        return script
    }

    static func fileName(_ block: FencedBlock) -> String {
        let first = block.content.prefix { $0 != "\n" }
        guard first.hasPrefix("# "), first.hasSuffix(".yaml"), !first.dropFirst(2).contains(" ") else {
            return "godwit.yaml"
        }
        return String(first.dropFirst(2))
    }
}
