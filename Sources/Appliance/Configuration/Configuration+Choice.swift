extension Configuration {
    /// The configuration as one source has it, for a command about one.
    ///
    /// - Parameters:
    ///   - source: the source's name, where that was said.
    ///   - consumer: the consumer that the command is about, whose source it is then.
    /// - Throws: where there is no such source, or it is not said which of several is meant.
    package func choose(source: String?, consumer: String? = nil) throws(Failure) -> Configuration {
        if let source { return try named(source) }
        if sources.isEmpty { return self }
        if let consumer, let own = self.source(of: consumer) { return own }
        let subject = consumer.map { "no source of the configuration has a consumer \($0)" }
        throw Failure(
            .usage, "\(subject ?? "the configuration has several sources"): name one by --source, of \(sourceNames)")
    }

    /// The source whose tables a page or an answer shows: the one that is named, else the consumer's own, else the first; `nil`
    /// where there is one only, without a name.
    func shownSource(_ given: String?, consumer: String? = nil) throws(Failure) -> String? {
        if let given { return try named(given).sourceName }
        if let consumer, let own = source(of: consumer) { return own.sourceName }
        return bySource.first?.sourceName
    }

    /// Each source by itself, or the one that was named.
    package func chooseEach(source: String?) throws(Failure) -> [Configuration] {
        if let source { return [try named(source)] }
        return bySource
    }

    private func named(_ name: String) throws(Failure) -> Configuration {
        if let own = sources.first(where: { $0.sourceName == name }) { return own }
        throw Failure(
            .usage,
            sources.isEmpty
                ? "--source \(name): the configuration has one source, without a name"
                : "the configuration has no source \(name); it has \(sourceNames)")
    }

    private var sourceNames: String { sources.compactMap(\.sourceName).joined(separator: ", ") }
}
