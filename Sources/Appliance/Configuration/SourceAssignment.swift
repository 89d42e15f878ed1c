import Consumers

/// Which consumer takes its events of which of several sources.
enum SourceAssignment {
    /// The source of each consumer, by the consumers' names; those that are wrong are left out, and reported.
    static func of(
        _ consumers: [String], _ sources: [String], _ values: inout ConfigurationValues
    ) -> [String: String] {
        if !sources.isEmpty { values.conflictWithSources() }
        var places: [String: String] = [:]
        for consumer in consumers {
            let path = ConfigurationPath(["consumers", consumer, "source"])
            guard let name = values.optionalText(path) else {
                if sources.count == 1 { places[consumer] = sources[0] }
                if sources.count > 1, !values.isGiven(path) { values.missingSource(path, among: sources) }
                continue
            }
            if sources.contains(name) {
                places[consumer] = name
            } else if sources.isEmpty {
                values.problem(path, .sourceName, "is \(name), and \"sources\" names none; remove it, or name sources")
            } else {
                let nearest = NearestName.of(name, among: sources).map { "; did you mean \"\($0)\"?" }
                values.problem(
                    path, .sourceName, "is none of \"sources\"\(nearest ?? ": \(sources.joined(separator: ", "))")")
            }
        }
        return places
    }
}

extension ConfigurationValues {
    fileprivate mutating func missingSource(_ path: ConfigurationPath, among sources: [String]) {
        let variable = ConfigurationKey.environmentName(path.description)
        take([
            ConfigurationProblem(
                .missing, source: nil,
                "\"\(path)\" is required where there are several sources; name one of \(sources.joined(separator: ", ")), in the file or by "
                    + "GODWIT_\(variable)")
        ])
    }
}

extension Configuration {
    /// Each source by itself: of several, the configuration as each has it; else the whole.
    package var bySource: [Configuration] { sources.isEmpty ? [self] : sources }

    /// The configuration as the source of a consumer has it; `nil` where there are several sources and none has the consumer.
    package func source(of consumer: String) -> Configuration? {
        sources.isEmpty ? self : sources.first { $0.consumers.contains { $0.name == consumer } }
    }
}
