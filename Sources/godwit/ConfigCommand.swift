import Appliance
import ArgumentParser
import KafkaBridge

struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Checks the configuration, shows what holds, or prints all keys, metrics, headers or the API.",
        subcommands: [Check.self, Show.self, Reference.self, Metrics.self, Headers.self, API.self])

    struct Check: GodwitCommand {
        static let configuration = CommandConfiguration(
            abstract: "Checks the configuration for `godwit run`; every mistake is named with file and line.",
            discussion: """
                Example:
                  godwit config check --config godwit.yaml

                Asks neither the database nor Kafka. Errors end with 78, and nothing starts with them; warnings end with 0, or
                with 78 where --strict is given. Each has a code that keeps its meaning.
                """.flowing)

        @OptionGroup var options: ConfigurationOptions
        @Flag(help: "Report as JSON on standard output.") var json = false
        @Flag(help: "Let warnings fail too, for a pipeline that deploys.") var strict = false
        @Option(help: "A warning's code: such are meant, and do not fail with --strict. Can be given several times.")
        var accept: [String] = []

        func validate() throws {
            for code in accept where ConfigurationProblem.Code(rawValue: code)?.level != .warning {
                throw ValidationError("\"\(code)\" is no code of a warning")
            }
        }

        func execute() async throws {
            let problems: [ConfigurationProblem]
            do throws(ConfigurationError) {
                problems = try options.read([.database, .kafka, .consumers]).warnings
            } catch {
                problems = error.problems
            }
            let isRight = !problems.contains { problem in
                problem.level == .error || (strict && !accept.contains(problem.code.rawValue))
            }
            if json {
                standardOutput(report(problems, isRight: isRight).indentedText)
            } else {
                for problem in problems { standardError("godwit: \(LogLine.harmless(problem.line))") }
                if isRight { standardOutput(verdict(warnings: problems.count)) }
            }
            if !isRight { throw ExitCode(ExitStatus.configuration.rawValue) }
        }

        private func verdict(warnings count: Int) -> String {
            let warnings = count == 0 ? "" : ", with \(count) \(count == 1 ? "warning" : "warnings")"
            return "the configuration is right\(warnings)"
        }

        private func report(_ problems: [ConfigurationProblem], isRight: Bool) -> JSONValue {
            func list(_ level: ConfigurationProblem.Level) -> JSONValue {
                .array(problems.filter { $0.level == level }.map(\.json))
            }
            return ["ok": .boolean(isRight), "problems": list(.error), "warnings": list(.warning)]
        }
    }

    struct Show: GodwitCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the effective configuration, where each value comes from, secrets hidden.",
            discussion: """
                Example:
                  GODWIT_WORKER_BATCH_SIZE=1000 godwit config show --config godwit.yaml
                """.flowing)

        @OptionGroup var options: ConfigurationOptions
        @Flag(help: "Show as JSON.") var json = false

        func execute() async throws {
            let loaded = try options.read([])
            for warning in loaded.warnings {
                standardError("godwit: \(LogLine.harmless(warning.line))")
            }
            let entries = loaded.configuration.entries
            standardOutput(json ? ConfigurationReport.json(entries).indentedText : ConfigurationReport.text(entries))
        }
    }

    struct Reference: GodwitCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints every key there is, what it takes, its default and its meaning, as Markdown.",
            discussion: """
                Example:
                  godwit config reference | grep poll
                """.flowing)

        func execute() async throws {
            standardOutput(ConfigurationReference.markdown)
        }
    }

    struct Metrics: GodwitCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints every metric there is, with its labels and its meaning, as Markdown.",
            discussion: """
                Example:
                  godwit config metrics | grep lag
                """.flowing)

        func execute() async throws {
            standardOutput(MetricReference.markdown)
        }
    }

    struct Headers: GodwitCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints every header that a record can have, with its meaning, as Markdown.",
            discussion: """
                Example:
                  godwit config headers | grep dead_letter
                """.flowing)

        func execute() async throws {
            standardOutput(HeaderReference.markdown)
        }
    }

    struct API: GodwitCommand {
        static let configuration = CommandConfiguration(
            commandName: "api", abstract: "Prints the description of the admin port's API, as OpenAPI 3.1.",
            discussion: """
                Example:
                  godwit config api > openapi.json

                A running relay serves the same at /api/openapi.json.
                """.flowing)

        func execute() async throws {
            standardOutput(APIDescription.document.indentedText)
        }
    }
}
