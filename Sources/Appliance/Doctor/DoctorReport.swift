/// What was found, for people and for programs.
package struct DoctorReport: Sendable {
    package struct Part: Sendable {
        package let name: String
        package let place: String
        package var summary = ""
        package var findings: [Finding] = []

        init(name: String, place: String, summary: String = "", findings: [Finding] = []) {
            self.name = name
            self.place = place
            self.summary = summary
            self.findings = findings
        }
    }

    package let parts: [Part]

    package var findings: [Finding] { parts.flatMap(\.findings) }

    package var exitStatus: ExitStatus { count(.error) == 0 ? .success : .unhealthy }

    private func count(_ severity: Finding.Severity) -> Int { findings.count { $0.severity == severity } }

    /// Part by part, the worst first, each with what fixes it; a summary at the end.
    package var text: String { text(on: .plain) }

    package func text(on terminal: Terminal) -> String {
        var lines: [String] = []
        for part in parts {
            let summary = part.summary.isEmpty ? "" : "  (\(part.summary))"
            let place = part.place.isEmpty ? "" : "  \(LogLine.harmless(part.place))"
            lines.append("\(terminal.paint(part.name, .strong))\(place)\(LogLine.harmless(summary))")
            if part.findings.isEmpty { lines.append("  \(terminal.paint("ok", .good))") }
            for severity in Finding.Severity.allCases {
                for finding in part.findings where finding.severity == severity {
                    let word = terminal.paint(severity.rawValue, severity.tone)
                    lines.append("  \(word): \(LogLine.harmless(finding.message))")
                    if let remedy = finding.remedy { lines.append("      → \(LogLine.harmless(remedy))") }
                }
            }
            lines.append("")
        }
        lines.append(terminal.paint(summary, exitStatus == .success ? .good : .bad))
        return lines.joined(separator: "\n")
    }

    private var summary: String {
        func counted(_ severity: Finding.Severity) -> String? {
            let count = count(severity)
            return count == 0 ? nil : "\(count) \(severity.rawValue)\(count == 1 ? "" : "s")"
        }
        let found = Finding.Severity.allCases.compactMap(counted)
        if found.isEmpty { return "All is well." }
        let verdict = exitStatus == .success ? "Relaying works" : "Relaying does not work as it should"
        return "\(verdict): \(found.joined(separator: ", "))."
    }

    package var json: JSONValue {
        let findings: [JSONValue] = parts.flatMap { part in
            part.findings.map { finding in
                [
                    "part": .string(part.name), "severity": .string(finding.severity.rawValue),
                    "check": .string(finding.check), "message": .string(finding.message),
                    "remedy": finding.remedy.map { .string($0) } ?? .null,
                ]
            }
        }
        return ["ok": .boolean(exitStatus == .success), "findings": .array(findings)]
    }
}
