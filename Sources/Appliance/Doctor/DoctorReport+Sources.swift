extension DoctorReport {
    /// What was found of several sources; notes that are the same for all are made once.
    package init(of reports: [(source: String?, report: DoctorReport)]) {
        guard reports.count > 1 else {
            parts = reports.first?.report.parts ?? []
            return
        }
        var parts: [Part] = []
        for (source, report) in reports {
            for var part in report.parts {
                let known = parts.filter { $0.place == part.place && $0.name.hasPrefix(part.name) }.flatMap(\.findings)
                part.findings.removeAll { $0.severity == .note && known.contains($0) }
                // The configuration is one.
                let isShared = part.name == "configuration"
                if isShared, parts.contains(where: { $0.name == part.name }) { continue }
                parts.append(
                    Part(
                        name: isShared ? part.name : "\(part.name) of \(source ?? "")",
                        place: isShared ? "\(reports.count) sources" : part.place,
                        summary: part.summary, findings: part.findings))
            }
        }
        self.parts = parts
    }
}
