import Appliance
import ArgumentParser

struct AuditCommand: GodwitCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Shows what audits have found, or has one begin anew.",
        discussion: """
            Examples:
              godwit audit --config godwit.yaml
              godwit audit --json
              godwit audit --reset identity
              godwit audit --reset identity --from-position 120000
              godwit audit --end identity

            Where `audit.interval` is set, one of the processes that run compares what was delivered since its last step with
            the topics. This shows how far it has come and what it has found since it began. It ends with 1 if events are
            missing, out of order or in a topic that they do not belong to.

            --end forgets an audit that nothing continues, which would keep retention from removing rows.

            --reset forgets what was found, and begins anew behind the checkpoints, or with an earlier position. It is
            recorded in the audit log. `godwit verify` compares any range, also where nothing is audited.
            """.flowing)

    @OptionGroup var options: ConfigurationOptions
    @Flag(help: "Report as JSON.") var json = false
    @Option(help: ArgumentHelp("Have the audit of this consumer begin anew.", valueName: "name")) var reset: String?
    @Option(help: ArgumentHelp("The first position to audit then.", valueName: "position")) var fromPosition: Int64?

    @Option(help: ArgumentHelp("Forget the audit of this consumer.", valueName: "name")) var end: String?

    func validate() throws {
        if reset != nil, end != nil { throw ValidationError("--reset and --end exclude each other") }
        if fromPosition != nil, reset == nil { throw ValidationError("--from-position needs --reset") }
        if let fromPosition, fromPosition < 1 { throw ValidationError("--from-position must be 1 or more") }
    }

    func execute() async throws {
        guard let consumer = reset ?? end else {
            return try await showEach(try options.loadEach([.database])) { configuration in
                let report = try await AuditReport.take(configuration)
                return SourceReport(json: report.json, text: { _ in report.text }, status: report.exitStatus)
            }
        }
        let configuration = try options.load([.database], of: consumer)
        if let reset {
            let request = AuditReset(consumer: reset, fromPosition: fromPosition, actor: CommandActor.current)
            let position = try await request.carryOut(configuration)
            if !json { return standardOutput("the audit of \(reset) begins anew behind position \(position)\n") }
        }
        if let end {
            try await AuditEnd(consumer: end, actor: CommandActor.current).carryOut(configuration)
            if !json { return standardOutput("the audit of \(end) is forgotten") }
        }
        let report = try await AuditReport.take(configuration)
        show(report.json) { _ in report.text }
        if report.exitStatus != .success { throw ExitCode(report.exitStatus.rawValue) }
    }
}
