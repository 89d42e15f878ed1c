import Appliance
import ArgumentParser

struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Checks the configuration, shows what holds, or prints all keys or metrics.",
        subcommands: [Check.self, Show.self, Reference.self, Metrics.self])

    struct Check: GodwitCommand {
        static let configuration = CommandConfiguration(
            abstract: "Checks the configuration for `godwit run`; every mistake is named with file and line.",
            discussion: """
                Example:
                  godwit config check --config godwit.yaml

                Asks neither the database nor Kafka.
                """.flowing)

        @OptionGroup var options: ConfigurationOptions
        @Flag(help: "Report as JSON on standard output.") var json = false

        func execute() async throws {
            do throws(ConfigurationError) {
                let loaded = try options.read([.database, .kafka, .consumers])
                report(problems: [], warnings: loaded.warnings)
            } catch {
                report(problems: error.problems, warnings: [])
                throw ExitCode(ExitStatus.configuration.rawValue)
            }
        }

        private func report(problems: [ConfigurationProblem], warnings: [ConfigurationProblem]) {
            if json {
                func list(_ problems: [ConfigurationProblem]) -> JSONValue {
                    .array(
                        problems.map {
                            [
                                "source": $0.source.map { .string($0.description) } ?? .null,
                                "message": .string($0.message),
                            ]
                        })
                }
                let report: JSONValue = [
                    "ok": .boolean(problems.isEmpty), "problems": list(problems), "warnings": list(warnings),
                ]
                standardOutput(report.indentedText)
                return
            }
            for problem in problems { standardError("godwit: \(LogLine.harmless(problem.description))") }
            for warning in warnings { standardError("godwit: warning: \(LogLine.harmless(warning.description))") }
            if problems.isEmpty { standardOutput("the configuration is right") }
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
                standardError("godwit: warning: \(LogLine.harmless(warning.description))")
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
}
