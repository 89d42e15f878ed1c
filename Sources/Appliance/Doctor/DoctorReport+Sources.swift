extension DoctorReport {
    /// What was found of several sources; what is the same for all is said once.
    package init(of reports: [(source: String?, report: DoctorReport)]) {
        guard reports.count > 1 else {
            parts = reports.first?.report.parts ?? []
            return
        }
        var parts: [Part] = []
        for (source, report) in reports {
            for var part in report.parts {
                let known = parts.filter { $0.place == part.place && $0.name.hasPrefix(part.name) }.flatMap(\.findings)
                part.findings.removeAll { known.contains($0) }
                // The configuration is one.
                if part.name == "configuration", !parts.isEmpty, part.findings.isEmpty { continue }
                let isShared = part.name == "configuration"
                parts.append(
                    Part(
                        name: isShared ? part.name : "\(part.name) of \(source ?? "")", place: part.place,
                        summary: part.summary, findings: part.findings))
            }
        }
        self.parts = parts
    }
}
