import Appliance
import ArgumentParser

/// What a command says of each source.
struct SourceReport {
    var json: JSONValue
    var text: (Terminal) -> String
    var status = ExitStatus.success
}

extension GodwitCommand {
    /// Does the work of each source, and shows what came of it; what fails with one keeps no other from its turn.
    ///
    /// - Parameter severally: whether to say which source it is although it is one.
    /// - Throws: the worst exit code. Where there is one source, whatever the work throws.
    func showEach(
        _ configurations: [Configuration], severally: Bool = false,
        _ work: (Configuration) async throws -> SourceReport
    ) async throws {
        if configurations.count == 1, !severally {
            let report = try await work(configurations[0])
            show(report.json, report.text)
            if report.status != .success { throw ExitCode(report.status.rawValue) }
            return
        }
        var (documents, worst) = ([JSONValue](), ExitStatus.success)
        for configuration in configurations where !SignalledWork.isStopping {
            let name = configuration.sourceName ?? ""
            var members: [JSONValue.Member] = [.init("source", .string(name))]
            var status: ExitStatus
            if !json { standardOutput(Terminal.of(.output).paint("source \(name)", .strong)) }
            do {
                let report = try await work(configuration)
                status = report.status
                if case .object(let own) = report.json { members += own }
                if !json {
                    let text = CommandHints.complete(report.text(.of(.output)))
                    standardOutput(String(text.reversed().drop { $0 == "\n" }.reversed()))
                }
            } catch {
                let failure = Failure(error)
                status = failure.status
                if case .object(let own) = failure.json { members += own }
                if !json {
                    for line in failure.message.split(separator: "\n") {
                        standardError(
                            "godwit: source \(name): \(LogLine.harmless(CommandHints.complete(String(line))))")
                    }
                }
            }
            documents.append(.object(members))
            if worst == .success || worst == .unhealthy, status != .success { worst = status }
            if !json { standardOutput("") }
        }
        if json { standardOutput((["sources": .array(documents)] as JSONValue).indentedText) }
        if worst != .success { throw ExitCode(worst.rawValue) }
    }
}
