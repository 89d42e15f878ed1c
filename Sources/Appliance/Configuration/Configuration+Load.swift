import FoundationEssentials

extension Configuration {
    /// What was read, and what is odd about it without being wrong.
    package struct Loaded: Sendable {
        package let configuration: Configuration
        package let warnings: [ConfigurationProblem]
        /// Of all consumers, also those that were passed over.
        let consumerNames: [String]
    }

    /// Reads the file, if there is one, and the environment.
    ///
    /// - Throws: everything that is wrong, at once.
    package static func load(
        file: String?, environment: [String: String] = ProcessInfo.processInfo.environment, needs: Set<Need>
    ) throws(ConfigurationError) -> Loaded {
        try load(file: file, environment: environment, needs: needs, focus: .whole)
    }

    /// As ``load(file:environment:needs:)``, of a part of the configuration.
    static func load(
        file: String?, environment: [String: String], needs: Set<Need>, focus: ConfigurationFocus
    ) throws(ConfigurationError) -> Loaded {
        var text: String?
        if let file {
            do {
                text = try readText(file)
            } catch {
                throw ConfigurationError(
                    problems: [
                        ConfigurationProblem(
                            .fileUnreadable, source: nil, "the configuration \(file) cannot be read: \(error)")
                    ])
            }
        }
        return try read(
            text, name: file ?? "", environment: environment, needs: needs, focus: focus, readFile: readText,
            isReadable: { FileManager.default.isReadableFile(atPath: $0) })
    }

    /// Reads a text as the file; `readFile` gives the content of the files that hold secrets, and `isReadable` says whether
    /// those can be read that others read.
    static func read(
        _ text: String?, name: String, environment: [String: String], needs: Set<Need>,
        focus: ConfigurationFocus = .whole, readFile: (String) throws -> String,
        isReadable: @escaping (String) -> Bool = { _ in true }
    ) throws(ConfigurationError) -> Loaded {
        var file = text.map { ConfigurationFile.read($0, name: name, focus: focus) } ?? RawLayer()
        // Of what it lacks nothing can be said.
        if file.isUnreadable { throw ConfigurationError(problems: file.problems) }
        var (variables, unknown) = ConfigurationEnvironment.read(
            environment, fileConsumers: file.consumers.map(\.name), fileSources: file.sources.map(\.name), focus: focus)
        SecretFiles.resolve(&file, read: readFile)
        SecretFiles.resolve(&variables, read: readFile)
        LineEnds.check(&file)
        LineEnds.check(&variables)

        var values = ConfigurationValues(
            raw: file.values(under: variables),
            unusable: file.unusable.union(variables.unusable), isReadable: isReadable)
        let names = file.consumers.map(\.name)
        let added = variables.consumers.map(\.name).filter { !names.contains($0) }
        let sources = file.sources.map(\.name)
        let configuration = Configuration(
            &values, consumers: (names + added).filter(focus.includes(consumer:)),
            sources: sources + variables.sources.map(\.name).filter { !sources.contains($0) }, needs: needs)

        let all = inOrder(
            file.problems + variables.problems + unknown + values.problems
                + indistinct(file.consumers.filter { focus.includes(consumer: $0.name) }, "consumers", .consumerName)
                + indistinct(file.sources, "sources", .sourceName))
        // What else is wrong with such a value follows from its lines.
        let broken = Set(all.filter { $0.code == .lineBreak }.compactMap(\.source))
        let told = all.filter { problem in
            problem.code == .lineBreak || problem.source.map { !broken.contains($0) } ?? true
        }
        let warnings = told.filter { $0.level == .warning }
        var problems = told.filter { $0.level == .error }
        guard problems.isEmpty else {
            if text == nil, variables.values.isEmpty {
                let hint =
                    "no configuration was given: name a file with --config or GODWIT_CONFIG, or have godwit.yaml in this folder"
                problems.insert(ConfigurationProblem(.missing, source: nil, hint), at: 0)
            }
            throw ConfigurationError(problems: problems + warnings)
        }
        return Loaded(configuration: configuration, warnings: warnings, consumerNames: names + added)
    }

    private init(
        _ values: inout ConfigurationValues, consumers names: [String], sources: [String], needs: Set<Need>
    ) {
        self.init(&values, consumers: names, needs: sources.isEmpty ? needs : needs.subtracting([.database]))
        let places = SourceAssignment.of(names, sources, &values)
        if sources.isEmpty { return }
        for name in sources {
            var own = values.narrowed(to: name)
            var configuration = Configuration(
                &own, consumers: names.filter { places[$0] == name }, needs: needs.subtracting([.consumers]))
            values.take(own.problems)
            configuration.sourceName = name
            configuration.consumersOfAll = consumers
            configuration.worker.bytesInFlight = max(
                WorkerSection.leastBytesInFlight, worker.bytesInFlight / sources.count)
            self.sources.append(configuration)
        }
        entries = ConfigurationEntry.joined(entries, self.sources)
    }

    private init(_ values: inout ConfigurationValues, consumers names: [String], needs: Set<Need>) {
        source = SourceSection(&values)
        database = DatabaseSection(&values, source: source, needed: needs.contains(.database))
        notify = NotifySection(&values)
        horizon = HorizonSection(&values)
        kafka = KafkaSection(&values, needed: needs.contains(.kafka))
        worker = WorkerSection(&values)
        consumers = names.map { ConsumerSection($0, &values) }
        TopicChecks.check(consumers, &values)
        source.check(consumers, &values)
        audit = AuditSection(&values, consumers)
        jobs = JobsSection(&values)
        admin = AdminSection(&values)
        log = LogSection(&values)
        entries = ConfigurationEntry.all(values, database: database, consumers: names)
        if needs.contains(.consumers), names.isEmpty {
            values.missingConsumers()
        }
    }

    /// The environment, and metrics too, cannot tell such consumers apart.
    private static func indistinct(
        _ consumers: [(name: String, source: ConfigurationSource)], _ what: String, _ code: ConfigurationProblem.Code
    ) -> [ConfigurationProblem] {
        var seen: [String: String] = [:]
        return consumers.compactMap { consumer in
            let other = seen.updateValue(consumer.name, forKey: ConfigurationKey.environmentName(consumer.name))
            return other.map {
                ConfigurationProblem(
                    code, source: consumer.source,
                    "the \(what) \"\($0)\" and \"\(consumer.name)\" differ in case or punctuation only; rename one"
                )
            }
        }
    }

    /// By line, then the environment's, then what is missing.
    private static func inOrder(_ problems: [ConfigurationProblem]) -> [ConfigurationProblem] {
        func rank(_ problem: ConfigurationProblem) -> Int {
            switch problem.source {
            case .file(_, let line, _): line
            case .environment: Int.max - 1
            case .standard, nil: Int.max
            }
        }
        // A value that several consumers inherit is looked at for each of them.
        var seen: Set<ConfigurationProblem> = []
        return problems.filter { seen.insert($0).inserted }.enumerated().sorted {
            (rank($0.element), $0.offset) < (rank($1.element), $1.offset)
        }
        .map(\.element)
    }

    private static func readText(_ path: String) throws(UnreadableFile) -> String {
        do {
            let data = try Data(contentsOf: URL(filePath: path))
            guard let text = String(validating: data, as: UTF8.self) else {
                throw UnreadableFile(reason: "it is not UTF-8 text")
            }
            return text
        } catch let error as UnreadableFile {
            throw error
        } catch let error as CocoaError {
            throw UnreadableFile(reason: reason(error))
        } catch {
            throw UnreadableFile(reason: "\(error)")
        }
    }

    private static func reason(_ error: CocoaError) -> String {
        switch error.code {
        case .fileReadNoSuchFile, .fileNoSuchFile: "there is no such file"
        case .fileReadNoPermission: "permission denied"
        default: "it is no readable file"
        }
    }
}

/// Why a file could not be read, in words.
struct UnreadableFile: Error, CustomStringConvertible {
    let reason: String

    var description: String { reason }
}
